// When a text is longer than the room there is: keep its first and last half of the room.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/token_id.h"

namespace longscroll {

struct Fit {
  std::vector<TokenId> first;
  std::vector<TokenId> last;  // empty when everything fitted
  size_t left_out = 0;
};

// LongBench's rule, which the report's evaluations use: the first floor(room / 2) ids and the last
// floor(room / 2); everything when ids.size() <= room.
Fit keep_first_and_last_half(std::span<const TokenId> ids, size_t room);

}  // namespace longscroll
