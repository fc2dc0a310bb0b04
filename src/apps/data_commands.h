// The subcommands of `data`, and what they share.
#pragma once

#include "apps/common.h"
#include "data/length_stats.h"
#include "data/tokenizer_identity.h"
#include "report/svg.h"

namespace longscroll {

void add_data_pack(CLI::App& data, Action& action);
void add_data_stats(CLI::App& data, Action& action);
void add_data_steps(CLI::App& data, Action& action);  // import to mix
void add_data_run(CLI::App& data, Action& action);

// The lengths of documents, for people and for programs.
std::string lengths_as_text(const data::LengthStats& stats);
Json lengths_to_json(const data::LengthStats& stats);
report::Svg lengths_chart(const data::LengthStats& stats);
double percent(uint64_t part, uint64_t whole);  // 0 of nothing

// data stats of a corpus: its steps, from the first to that of `folder`.
struct CorpusStatsOptions {
  std::string folder;
  std::string tokenizer;  // empty: no lengths
  std::string svg;
  std::string html;
  int threads = 0;
  bool json = false;
};
int corpus_stats(const CorpusStatsOptions& options);
Json tokenizer_to_json(const data::TokenizerIdentity& tokenizer);

}  // namespace longscroll
