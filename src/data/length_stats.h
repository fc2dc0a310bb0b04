// How long the documents of a corpus are: the report's two figures, the share of documents and the share of
// tokens by length in steps of 4K up to 32K, and beyond.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace longscroll::data {

struct LengthStep {
  uint64_t above = 0;  // tokens: above < length <= up_to
  uint64_t up_to = 0;  // 0: no end
  uint64_t documents = 0;
  uint64_t tokens = 0;

  std::string label() const;  // "4K-8K", "above 128K"
};

struct LengthStats {
  uint64_t documents = 0;
  uint64_t tokens = 0;
  uint64_t median = 0;  // of the documents' lengths, by nearest rank, as the two that follow
  uint64_t p90 = 0;
  uint64_t p99 = 0;
  uint64_t longest = 0;
  // 4K wide up to 32K, then 32K-64K, 64K-128K, above 128K; a length of exactly 32K is in the step that ends
  // there, with what fits a window of 32K.
  std::vector<LengthStep> steps;
};

// How many documents have each length, in tokens: what a corpus of any size comes down to.
using LengthCounts = std::map<uint64_t, uint64_t>;

LengthStats length_stats_of(const LengthCounts& counts);
LengthStats length_stats(const std::vector<uint64_t>& lengths);

}  // namespace longscroll::data
