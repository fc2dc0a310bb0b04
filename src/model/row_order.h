// The order of the rows of queries and keys, which differs between kinds of files.
#pragma once

#include <cstddef>

#include "model/architecture.h"
#include "model/config.h"

namespace longscroll {

// GGUF's interleaved rows 2j and 2j + 1 of a head are rows j and j + R/2 of the half-split form, R the
// rotated dimensions; the rest of the head stays. Which row of the source becomes row `row`.
struct RowOrder {
  RopeLayout from = RopeLayout::kHalfSplit;
  RopeLayout to = RopeLayout::kHalfSplit;
  size_t head_dim = 1;
  size_t rotary_dim = 0;

  size_t source_of(size_t row) const {
    const size_t in_head = row % head_dim;
    if (from == to || in_head >= rotary_dim) return row;
    const size_t half = rotary_dim / 2;
    const size_t source = to == RopeLayout::kInterleaved
                              ? in_head % 2 * half + in_head / 2
                              : (in_head < half ? 2 * in_head : 2 * (in_head - half) + 1);
    return row - in_head + source;
  }
};

// Rows of other tensors than queries and keys, and their biases, stay where they are.
inline RowOrder row_order_of(TensorRole role, const ModelConfig& config, RopeLayout to) {
  RowOrder order;
  const bool rotated = role == TensorRole::kQuery || role == TensorRole::kKey ||
                       role == TensorRole::kQueryBias || role == TensorRole::kKeyBias;
  if (!rotated) return order;
  order.from = config.rope_layout;
  order.to = to;
  order.head_dim = config.head_dim;
  order.rotary_dim = config.rope.rotary_dim;
  return order;
}

}  // namespace longscroll
