#include "engine/quantized_rows.h"

#include <algorithm>

namespace longscroll {
namespace {

// Of a group's squared rounding error, against the mean of all. About a tenth of a real model's groups are
// above it, and hold most of the error; docs/benchmarks/accuracy.md has the figures.
constexpr float kRefineAbove = 1.5f;
// For a row alone, whose largest groups vary more by chance: outliers only.
constexpr float kRefineAboveAlone = 3.0f;

// Whether any of the groups, with these squares of their steps, is to be refined.
bool mark_large(const float* errors, size_t groups, float above, uint8_t* refined) {
  float sum = 0.0f;
  for (size_t g = 0; g < groups; ++g) sum += errors[g];
  const float limit = above * sum / static_cast<float>(groups);
  bool any = false;
  for (size_t g = 0; g < groups; ++g) {
    refined[g] = errors[g] > limit ? 1 : 0;
    any = any || errors[g] > limit;
  }
  return any;
}

}  // namespace

bool QuantizedBuffer::choose_refined(size_t row, size_t count, size_t cols) {
  const size_t groups = cols / kGroup;
  const bool together = count > kFewTokens;
  bool any = false;
  std::fill_n(errors_.begin(), groups, 0.0f);
  for (size_t r = 0; r < count; ++r) {
    const float* scales = rows_of(cols).from(row + r).scales;
    for (size_t g = 0; g < groups; ++g) errors_[g] = scales[g] * scales[g] + (together ? errors_[g] : 0.0f);
    if (!together)
      any = mark_large(errors_.data(), groups, kRefineAboveAlone, refined_.data() + r * groups) || any;
  }
  if (together) any = mark_large(errors_.data(), groups, kRefineAbove, refined_.data());
  return any_refined_ = any;
}

}  // namespace longscroll
