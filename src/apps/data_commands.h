// The subcommands of `data`, and what they share.
#pragma once

#include "apps/common.h"
#include "data/length_stats.h"
#include "data/tokenizer_identity.h"

namespace longscroll {

void add_data_pack(CLI::App& data, Action& action);
void add_data_stats(CLI::App& data, Action& action);

// The lengths of documents, for people and for programs.
std::string lengths_as_text(const data::LengthStats& stats);
Json lengths_to_json(const data::LengthStats& stats);
Json tokenizer_to_json(const data::TokenizerIdentity& tokenizer);

}  // namespace longscroll
