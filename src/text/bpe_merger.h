// The merge loop of byte-pair encoding: ids of single symbols in, ids of merged symbols out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/token_id.h"

namespace longscroll {

struct BpeMerge {
  TokenId left;
  TokenId right;
  TokenId merged;
};

// Immutable; safe to share between threads.
class BpeMerger {
 public:
  // In order of rank: the first is applied first. Of two merges of one pair the later one counts.
  explicit BpeMerger(std::span<const BpeMerge> merges);

  // Applies the best-ranked merge, leftmost first, until none applies. O(n log n) in the word's length.
  void merge(std::vector<TokenId>& symbols) const;

 private:
  struct Slot {
    uint64_t pair;
    uint32_t rank;
    TokenId merged;
  };
  const Slot* find(TokenId left, TokenId right) const;

  // Open addressing, at most half full: the inner loop of encoding is lookups of pairs that do not merge.
  std::vector<Slot> slots_;
};

}  // namespace longscroll
