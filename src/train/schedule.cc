#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace longscroll::train {

double Schedule::learning_rate(uint64_t step) const {
  if (step < warmup_steps) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  }
  const double progress =
      static_cast<double>(step - warmup_steps) / static_cast<double>(total_steps - warmup_steps);
  return last + (peak - last) * 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(progress, 1.0)));
}

}  // namespace longscroll::train
