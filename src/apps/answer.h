// One answer: the prompt is read with a progress bar, the text streams as it is made.
#pragma once

#include <string>
#include <vector>

#include "apps/common.h"

namespace longscroll {

struct Answer {
  GenerateResult result;
  std::string text;  // empty for a model without a tokenizer
};

enum class Stream { kNone, kText };  // kText: to standard output, as it comes, with a line end after it

// Ctrl-C while reading throws Error(kCancelled); while answering it ends the answer with kCancelled.
Answer answer_prompt(Session& session, std::span<const TokenId> prompt, const GenerateOptions& options,
                     Stream stream);

// prefill_seconds, decode_seconds, prompt_tokens, reused_tokens, both rates, and what guessing brought.
Json describe_timing(const GenerateOptions& options, const GenerateResult& result);

// "read 812 tokens in 3.1 s (262 tok/s); wrote 80 in 4.0 s (20.0 tok/s), 31 guessed, stop_token"
std::string timing_line(const GenerateResult& result);

}  // namespace longscroll
