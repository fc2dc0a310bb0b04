// One training sequence, and an endless stream of them: what the training loop reads.
//
// A document of L ids takes L - 1 positions: its last id is predicted and never read, since nothing would be
// predicted from it. So each id but the first is a target exactly once, whatever the packing; a document that
// is cut goes on in another piece whose first id the piece before it has predicted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/token_id.h"

namespace longscroll::data {

inline constexpr TokenId kIgnored = -1;

// One training sequence, T positions: several documents side by side.
//
// A sequence that the documents do not fill ends with padding: a document of its own, whose targets are all
// kIgnored. Since documents do not see each other, one without targets changes neither loss nor gradients,
// and need not be computed.
struct Pack {
  std::vector<TokenId> ids;      // [T]
  std::vector<TokenId> targets;  // [T] the id that position t has to predict; kIgnored: no loss there
  std::vector<uint32_t> starts;  // where documents begin within ids: ascending, the first 0. Each attends to
                                 // itself alone and counts positions from 0

  uint64_t loss_tokens() const;  // targets that are not kIgnored

  // The documents of `other`, after those that are here.
  void append(const Pack& other);
};

// A deterministic endless stream: pack number n is a pure function of (files, settings, seed, n).
class PackSource {
 public:
  virtual ~PackSource() = default;

  // Thread safe. Throws Error(kFile), naming shard and document, when what is read is damaged.
  virtual Pack pack(uint64_t index) const = 0;
  virtual uint64_t packs_per_epoch() const = 0;  // 0: not known
  // Which sources, shards and documents, for messages and for rebuilding.
  virtual std::string describe(uint64_t index) const = 0;
};

}  // namespace longscroll::data
