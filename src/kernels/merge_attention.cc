#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.h"

namespace longscroll {

void merge_attention(const MergeArgs& args) {
  float largest = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < args.count; ++i) {
    if (args.sums[i * args.state_stride] > 0.0f)
      largest = std::max(largest, args.largest[i * args.state_stride]);
  }
  std::fill_n(args.out, args.head_dim, 0.0f);
  float sum = 0.0f;
  for (size_t i = 0; i < args.count; ++i) {
    const float part_sum = args.sums[i * args.state_stride];
    if (part_sum == 0.0f) continue;
    const float weight = std::exp(args.largest[i * args.state_stride] - largest);
    const float* part = args.parts + i * args.part_stride;
    for (size_t h = 0; h < args.head_dim; ++h) args.out[h] += weight * part[h];
    sum += weight * part_sum;
  }
  for (size_t h = 0; h < args.head_dim; ++h) args.out[h] /= sum;
}

}  // namespace longscroll
