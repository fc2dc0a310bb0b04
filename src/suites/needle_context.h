// The arithmetic of NeedleBench's single-needle builder. Source: OpenCompass a5acc4b,
// opencompass/datasets/needlebench/origin.py; docs/protocols/needle.md says it in words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace longscroll {

// How many tokens of haystack a prompt of `length` has.
size_t haystack_budget(size_t length, size_t buffer, size_t needle_tokens);

// Before which of `tokens` the needle goes. In double precision as the original: 29% of 100 is 28.
size_t insertion_index(size_t tokens, size_t depth_percent);

// The order of `count` documents for each repeat: one list, shuffled again for each with the seed 0, 1, …
std::vector<std::vector<size_t>> haystack_orders(size_t count, size_t repeats);

struct QuestionRule {
  std::string phrase;  // the hint goes before its first occurrence; empty: the question stays as it is
  std::string hint;
  std::string deleted;  // for base models: taken out, then the last `cut` characters, so that the text
  size_t cut = 0;       // ends in a sentence to be finished
};

// False when the question lacks the phrase.
bool apply_question_rule(const QuestionRule& rule, std::string& question);

// Documents encoded when first needed. Not thread safe; the tokenizer must outlive it.
class Haystack {
 public:
  Haystack(std::vector<std::string> documents, const Tokenizer& tokenizer);
  size_t size() const { return documents_.size(); }
  // The first `budget` ids of the documents in this order, fewer when there are not so many.
  std::vector<TokenId> ids(const std::vector<size_t>& order, size_t budget);

 private:
  std::vector<std::string> documents_;
  std::vector<std::vector<TokenId>> ids_;
  std::vector<bool> encoded_;
  const Tokenizer* tokenizer_;
};

}  // namespace longscroll
