// The subcommands of `eval`, and what they share.
#pragma once

#include <memory>
#include <string>

#include "apps/common.h"
#include "text/tokenizer.h"

namespace longscroll {

void add_eval_score(CLI::App& eval, Action& action);
void add_eval_prompts(CLI::App& eval, Action& action);
void add_eval_merge(CLI::App& eval, Action& action);

// The tokenizer of a model's file, name or directory; of a directory that holds a tokenizer alone; or of a
// file of ranks (cl100k_base.tiktoken).
std::shared_ptr<const Tokenizer> open_tokenizer(const std::string& name);

}  // namespace longscroll
