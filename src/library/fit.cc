#include "library/fit.h"

namespace longscroll {

Fit keep_first_and_last_half(std::span<const TokenId> ids, size_t room) {
  Fit fit;
  if (ids.size() <= room) {
    fit.first.assign(ids.begin(), ids.end());
    return fit;
  }
  const size_t half = room / 2;
  const auto first = ids.first(half);
  const auto last = ids.last(half);
  fit.first.assign(first.begin(), first.end());
  fit.last.assign(last.begin(), last.end());
  fit.left_out = ids.size() - 2 * half;
  return fit;
}

}  // namespace longscroll
