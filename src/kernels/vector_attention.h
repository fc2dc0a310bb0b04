// Blocked attention over an instruction set V, with a running maximum and sum a query (FlashAttention,
// arXiv 2205.14135; the recurrence is arXiv 1805.02867's). Keys and values of a block are unpacked into
// panels once and used by every query of the call; a single query reads them as they are stored.
//
// Letters as in kernels.h.
#pragma once

#include <algorithm>
#include <limits>

#include "kernels/vector_matmul.h"

namespace longscroll::vector_kernels {

inline constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

template <class V>
void scale_row(float* x, float factor, size_t count) {
  size_t i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth)
    V::store(x + i, V::mul(V::load(x + i), V::broadcast(factor)));
  for (; i < count; ++i) x[i] *= factor;
}

// x = exp(x - largest) over [0, count), a multiple of V::kWidth; returns the sum.
template <class V>
float exp_row(float* x, float largest, size_t count) {
  auto sum = V::zero();
  const auto shift = V::broadcast(-largest);
  for (size_t i = 0; i < count; i += V::kWidth) {
    const auto e = V::exp(V::add(V::load(x + i), shift));
    V::store(x + i, e);
    sum = V::add(sum, e);
  }
  return V::reduce_add(sum);
}

template <class V>
float max_of(const float* x, size_t count) {
  auto largest = V::broadcast(kMinusInfinity);
  size_t i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth) largest = V::max(largest, V::load(x + i));
  float result = V::reduce_max(largest);
  for (; i < count; ++i) result = std::max(result, x[i]);
  return result;
}

template <class V>
void cached_to_float(const AttentionArgs& args, const void* cache, size_t position, float* out) {
  const size_t at = position * args.kv_stride;
  if (args.kv_type == DType::kF32) {
    std::copy_n(static_cast<const float*>(cache) + at, args.head_dim, out);
  } else {
    const auto* half = static_cast<const uint16_t*>(cache) + at;
    dequantize_row<V, DType::kF16>(reinterpret_cast<const uint8_t*>(half), out, args.head_dim);
  }
}

struct AttentionScratch {
  float* keys;     // [block / panel][H][panel]
  float* values;   // [ceil(H / panel)][block][panel]
  float* rows;     // [panel][H]
  float* queries;  // [kMaxRows][kStrideQ]
  float* scores;   // [kMaxRows][kStrideS]
  float* largest;  // [M]
  float* sums;     // [M]

  AttentionScratch(const AttentionArgs& args, size_t padded_dim) {
    keys = args.scratch;
    values = keys + kKeyBlock * args.head_dim;
    rows = values + kKeyBlock * padded_dim;
    queries = rows + kMaxPanel * args.head_dim;
    scores = queries + kMaxRows * kStrideQ;
    largest = scores + kMaxRows * kStrideS;
    sums = largest + args.m;
  }
};

template <class V>
void pack_block(const AttentionArgs& args, size_t t0, size_t count, const AttentionScratch& room) {
  const size_t dim = args.head_dim;
  for (size_t t = 0; t < count; t += V::kPanel) {
    const size_t columns = std::min(V::kPanel, count - t);
    for (size_t j = 0; j < columns; ++j) cached_to_float<V>(args, args.k, t0 + t + j, room.rows + j * dim);
    pack_transposed<V>(room.rows, dim, columns, dim, room.keys + t * dim);
  }
  for (size_t t = 0; t < count; ++t) {
    cached_to_float<V>(args, args.v, t0 + t, room.rows);
    for (size_t h = 0; h < dim; h += V::kPanel) {
      const size_t columns = std::min(V::kPanel, dim - h);
      float* panel = room.values + (h / V::kPanel * count + t) * V::kPanel;
      std::copy_n(room.rows + h, columns, panel);
      std::fill(panel + columns, panel + V::kPanel, 0.0f);
    }
  }
}

// Scores of one query to weights exp(score - maximum), the running maximum and sum brought up to date.
template <class V>
void softmax_step(const AttentionArgs& args, size_t m, size_t t0, size_t count, size_t padded, float* scores,
                  const AttentionScratch& room) {
  const size_t position = args.first_position + m;
  const size_t end = position + 1 <= t0 ? 0 : std::min(count, position + 1 - t0);
  const size_t lowest = args.window != 0 && position + 1 > args.window ? position + 1 - args.window : 0;
  const size_t begin = lowest <= t0 ? 0 : std::min(end, lowest - t0);
  scale_row<V>(scores, args.scale, count);
  std::fill(scores, scores + begin, kMinusInfinity);
  std::fill(scores + end, scores + padded, kMinusInfinity);
  const float before = room.largest[m];
  const float largest = std::max(before, max_of<V>(scores, padded));
  if (largest == kMinusInfinity) {  // nothing visible yet
    std::fill(scores, scores + padded, 0.0f);
    return;
  }
  const float sum = exp_row<V>(scores, largest, padded);
  const float shrink = before == kMinusInfinity ? 0.0f : V::exp_one(before - largest);
  room.sums[m] = room.sums[m] * shrink + sum;
  room.largest[m] = largest;
  if (shrink != 1.0f) scale_row<V>(args.out + m * args.out_stride, shrink, args.head_dim);
}

template <class V>
void attend_tile(const AttentionArgs& args, size_t m0, size_t t0, size_t count,
                 const AttentionScratch& room) {
  const size_t rows = std::min(V::kRows, args.m - m0), dim = args.head_dim;
  const size_t padded = (count + V::kPanel - 1) / V::kPanel * V::kPanel;
  for (size_t r = 0; r < rows; ++r) {
    std::copy_n(args.q + (m0 + r) * args.q_stride, dim, room.queries + r * kStrideQ);
  }
  for (size_t t = 0; t < padded; t += V::kPanel) {
    tile_of<V, kStrideQ>(rows)(dim, room.queries, room.keys + t * dim, false, room.scores + t, kStrideS);
  }
  for (size_t r = 0; r < rows; ++r) {
    softmax_step<V>(args, m0 + r, t0, count, padded, room.scores + r * kStrideS, room);
  }
  for (size_t h = 0; h < dim; h += V::kPanel) {
    edge_tile<V, kStrideS>(rows, std::min(V::kPanel, dim - h), count, room.scores, room.values + h * count,
                           true, args.out + m0 * args.out_stride + h, args.out_stride);
  }
}

template <class V>
void attend_many(const AttentionArgs& args) {
  const size_t padded_dim = (args.head_dim + V::kPanel - 1) / V::kPanel * V::kPanel;
  const AttentionScratch room(args, padded_dim);
  std::fill_n(room.largest, args.m, kMinusInfinity);
  std::fill_n(room.sums, args.m, 0.0f);
  for (size_t m = 0; m < args.m; ++m) std::fill_n(args.out + m * args.out_stride, args.head_dim, 0.0f);
  const size_t keys = args.first_position + args.m;
  const size_t first =
      args.window != 0 && args.first_position + 1 > args.window ? args.first_position + 1 - args.window : 0;
  for (size_t t0 = first; t0 < keys; t0 += kKeyBlock) {
    const size_t count = std::min(kKeyBlock, keys - t0);
    pack_block<V>(args, t0, count, room);
    for (size_t m = 0; m < args.m; m += V::kRows) {
      const bool all_ahead = args.first_position + std::min(m + V::kRows, args.m) - 1 < t0;
      if (!all_ahead) attend_tile<V>(args, m, t0, count, room);
    }
  }
  for (size_t m = 0; m < args.m; ++m) {
    scale_row<V>(args.out + m * args.out_stride, 1.0f / room.sums[m], args.head_dim);
  }
}

template <class V, DType kType>
void attend_one(const AttentionArgs& args, size_t m) {
  const auto row = [&args](const void* cache, size_t t) {
    return static_cast<const uint8_t*>(cache) + t * args.kv_stride * (kType == DType::kF32 ? 4 : 2);
  };
  const size_t dim = args.head_dim, end = args.first_position + m + 1;
  const float* q = args.q + m * args.q_stride;
  float* out = args.out + m * args.out_stride;
  float largest = kMinusInfinity, sum = 0.0f;
  alignas(64) float scores[kKeyBlock];
  std::fill_n(out, dim, 0.0f);
  for (size_t t0 = args.window != 0 && end > args.window ? end - args.window : 0; t0 < end; t0 += kKeyBlock) {
    const size_t count = std::min(kKeyBlock, end - t0);
    const size_t padded = (count + V::kWidth - 1) / V::kWidth * V::kWidth;
    std::fill(scores + count, scores + padded, kMinusInfinity);
    for (size_t t = 0; t < count; ++t)
      scores[t] = args.scale * dot_row<V, kType>(row(args.k, t0 + t), q, dim);
    const float next = std::max(largest, max_of<V>(scores, padded));
    const float shrink = largest == kMinusInfinity ? 0.0f : V::exp_one(largest - next);
    sum = sum * shrink + exp_row<V>(scores, next, padded);
    largest = next;
    scale_row<V>(out, shrink, dim);
    for (size_t t = 0; t < count; ++t) add_scaled_row<V, kType>(row(args.v, t0 + t), scores[t], out, dim);
  }
  scale_row<V>(out, 1.0f / sum, dim);
}

template <class V>
void attention(const AttentionArgs& args) {
  if (args.m >= kFewRows) return attend_many<V>(args);
  for (size_t m = 0; m < args.m; ++m) {
    if (args.kv_type == DType::kF32) {
      attend_one<V, DType::kF32>(args, m);
    } else {
      attend_one<V, DType::kF16>(args, m);
    }
  }
}

}  // namespace longscroll::vector_kernels
