// Where the end of a text occurred before: what followed there is a guess at what follows now (prompt lookup
// decoding; the search is LZ77's, over ids). No model: ids in, a place out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/token_id.h"

namespace longscroll {

class PromptLookup {
 public:
  static constexpr size_t kLongest = 8;  // more of them say nothing more

  struct Match {
    size_t next = 0;    // index of the id that followed there
    size_t length = 0;  // ids that agree, up to kLongest; 0: the end of the text is new
  };

  // Copies `text`; appending up to `room` more ids allocates nothing.
  PromptLookup(std::span<const TokenId> text, size_t room);

  void append(TokenId id);

  // The longest earlier occurrence of the text's last ids, of equally long ones the latest. Looks at the
  // latest kCandidates places that end in the same two ids, then at the latest that ends in the same id.
  Match find() const;

  std::span<const TokenId> text() const { return text_; }

 private:
  static constexpr size_t kCandidates = 256;
  static constexpr size_t kSlots = 1 << 15;
  static constexpr uint32_t kNone = UINT32_MAX;

  static size_t slot(TokenId a, TokenId b);
  size_t agreement(size_t at) const;  // ids up to index `at` that are the text's last ones

  std::vector<TokenId> text_;
  std::vector<uint32_t> latest_;      // [kSlots] index of the second id of the latest pair that hashes to it
  std::vector<uint32_t> previous_;    // [text] the pair before with the same hash
  std::vector<uint32_t> latest_one_;  // [kSlots] index of the latest id that hashes to it
  uint32_t same_id_ = kNone;          // that of the last id, before it
};

}  // namespace longscroll
