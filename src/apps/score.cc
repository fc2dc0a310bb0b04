#include "apps/score.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace longscroll {

std::vector<ScoreWindow> score_windows(size_t count, size_t ctx, size_t stride) {
  assert(stride >= 1 && stride <= ctx);
  std::vector<ScoreWindow> windows;
  size_t next_target = 1;
  while (next_target < count) {
    const size_t last_target = std::min(next_target == 1 ? ctx : next_target + stride - 1, count - 1);
    const size_t begin = last_target >= ctx ? last_target - ctx : 0;
    windows.push_back({begin, last_target - begin, next_target});
    next_target = last_target + 1;
  }
  return windows;
}

double negative_log_likelihood(std::span<const float> logits, TokenId target) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return std::log(sum) + largest - static_cast<double>(logits[static_cast<size_t>(target)]);
}

}  // namespace longscroll
