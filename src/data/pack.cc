#include "data/pack.h"

#include <algorithm>

namespace longscroll::data {

uint64_t Pack::loss_tokens() const {
  return static_cast<uint64_t>(
      std::count_if(targets.begin(), targets.end(), [](TokenId target) { return target != kIgnored; }));
}

void Pack::append(const Pack& other) {
  const auto begin = static_cast<uint32_t>(ids.size());
  ids.insert(ids.end(), other.ids.begin(), other.ids.end());
  targets.insert(targets.end(), other.targets.begin(), other.targets.end());
  for (const uint32_t start : other.starts) starts.push_back(begin + start);
}

}  // namespace longscroll::data
