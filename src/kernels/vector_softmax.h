// The running softmax of blocked attention over an instruction set V (FlashAttention, arXiv 2205.14135; the
// recurrence is arXiv 1805.02867's).
//
// Letters as in kernels.h.
#pragma once

#include <algorithm>
#include <limits>

#include "kernels/kernels.h"

namespace longscroll {
namespace {
namespace vector_kernels {

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

// Where each row stands.
struct RunningSoftmax {
  float* largest;  // [R]
  float* sums;     // [R]
};

// Scores of one query to weights exp(score - maximum), the running maximum and sum brought up to date.
template <class V>
void softmax_step(const AttentionArgs& args, size_t m, size_t t0, size_t count, size_t padded, float* scores,
                  const RunningSoftmax& running) {
  const size_t position = args.position(m);
  const size_t end = position + 1 <= t0 ? 0 : std::min(count, position + 1 - t0);
  const size_t lowest = args.first_visible(m);
  const size_t begin = lowest <= t0 ? 0 : std::min(end, lowest - t0);
  scale_row<V>(scores, args.scale, count);
  std::fill(scores, scores + begin, kMinusInfinity);
  std::fill(scores + end, scores + padded, kMinusInfinity);
  const float before = running.largest[m];
  const float largest = std::max(before, max_of<V>(scores, padded));
  if (largest == kMinusInfinity) {  // nothing visible yet
    std::fill(scores, scores + padded, 0.0f);
    return;
  }
  const float sum = exp_row<V>(scores, largest, padded);
  const float shrink = before == kMinusInfinity ? 0.0f : V::exp_one(before - largest);
  running.sums[m] = running.sums[m] * shrink + sum;
  running.largest[m] = largest;
  if (shrink != 1.0f) scale_row<V>(args.output(m), shrink, args.kv.head_dim);
}

// Leaves the state of a range, or divides by the sum.
template <class V>
void finish_row(const AttentionArgs& args, size_t row, float largest, float sum) {
  if (args.largest != nullptr) {
    args.largest[row] = largest;
    args.sums[row] = sum;
  } else {
    scale_row<V>(args.output(row), 1.0f / sum, args.kv.head_dim);
  }
}

// The same for every row, and before the first key.
template <class V>
void finish_rows(const AttentionArgs& args, const RunningSoftmax& running) {
  for (size_t m = 0; m < args.rows(); ++m) finish_row<V>(args, m, running.largest[m], running.sums[m]);
}

inline void start_rows(const AttentionArgs& args, const RunningSoftmax& running) {
  std::fill_n(running.largest, args.rows(), kMinusInfinity);
  std::fill_n(running.sums, args.rows(), 0.0f);
  for (size_t m = 0; m < args.rows(); ++m) std::fill_n(args.output(m), args.kv.head_dim, 0.0f);
}

}  // namespace vector_kernels
}  // namespace
}  // namespace longscroll
