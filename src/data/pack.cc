#include "data/pack.h"

#include <algorithm>

namespace longscroll::data {

uint64_t Pack::loss_tokens() const {
  return static_cast<uint64_t>(
      std::count_if(targets.begin(), targets.end(), [](TokenId target) { return target != kIgnored; }));
}

}  // namespace longscroll::data
