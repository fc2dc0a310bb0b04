// The corpus of `longscroll extend`: which documents are kept apart, the texts and needles made of them, and
// the token shards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apps/extend_stages.h"
#include "data/instructions.h"
#include "text/tokenizer.h"

namespace longscroll {

// A document is kept apart when its text's hash is below a bound, or one of the long texts' that perplexity
// is measured on: the same text always goes the same way, however often it comes.
struct CorpusSplit {
  uint64_t bound = 0;  // of 64 bits
  std::vector<uint64_t> texts;
  uint64_t documents = 0;
  uint64_t kept_apart = 0;

  bool keeps_apart(std::string_view text) const;
};

// Reads the corpus once and makes OUT/corpus: split.json, text-0.txt and so on, longer than the window, and a
// needle suite over them. Throws Error(kArgument) when too few documents are that long, as CorpusReader does,
// and Error(kCancelled).
CorpusSplit split_corpus(const ExtendPlan& plan, const Tokenizer& tokenizer, const data::ReadEvents& events);

// What split_corpus() left. Throws Error(kFile).
CorpusSplit read_split(const ExtendPlan& plan);

// Makes OUT/shards/held-out and OUT/shards/train. Returns remarks. Throws as pack_corpus() does.
std::vector<std::string> pack_split(const ExtendPlan& plan, const CorpusSplit& split,
                                    const Tokenizer& tokenizer, const data::ReadEvents& events);

}  // namespace longscroll
