// Operations on one head of one token over an instruction set V: rotations and writing into pages. What is
// odd in size goes to the plain functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/kernels.h"
#include "kernels/sets.h"
#include "kernels/vector_sizes.h"

namespace longscroll {
namespace {
namespace vector_kernels {

template <class V, int kApart = 1>
typename V::F hadamard_of_lanes(typename V::F x) {
  if constexpr (kApart == V::kWidth) {
    return x;
  } else {
    return hadamard_of_lanes<V, 2 * kApart>(V::template butterfly<kApart>(x));
  }
}

// Fast Walsh-Hadamard transform of 16 vectors or fewer, held in registers.
template <class V, size_t kVectors>
void hadamard_of(float* x, float factor) {
  typename V::F v[kVectors];
#pragma GCC unroll 16
  for (size_t i = 0; i < kVectors; ++i) v[i] = hadamard_of_lanes<V>(V::load(x + i * V::kWidth));
#pragma GCC unroll 4
  for (size_t apart = 1; apart < kVectors; apart *= 2) {
#pragma GCC unroll 16
    for (size_t i = 0; i < kVectors; ++i) {
      if ((i & apart) != 0) continue;
      const auto a = v[i], b = v[i + apart];
      v[i] = V::add(a, b);
      v[i + apart] = V::sub_float(a, b);
    }
  }
  const auto scale = V::broadcast(factor);
#pragma GCC unroll 16
  for (size_t i = 0; i < kVectors; ++i) V::store(x + i * V::kWidth, V::mul(v[i], scale));
}

// The last round of a transform whose halves are done and not yet scaled.
template <class V>
void join_halves(float* x, size_t half, float factor) {
  const auto scale = V::broadcast(factor);
  for (size_t i = 0; i < half; i += V::kWidth) {
    const auto a = V::load(x + i), b = V::load(x + half + i);
    V::store(x + i, V::mul(V::add(a, b), scale));
    V::store(x + half + i, V::mul(V::sub_float(a, b), scale));
  }
}

template <class V>
void hadamard(float* x, size_t count) {
  const size_t n = count & (~count + 1);
  const float factor = 1.0f / std::sqrt(static_cast<float>(n));
  for (size_t i = 0; i < count; i += n) {
    switch (n) {
      case 32:
        hadamard_of<V, 32 / V::kWidth>(x + i, factor);
        break;
      case 64:
        hadamard_of<V, 64 / V::kWidth>(x + i, factor);
        break;
      case 128:
        hadamard_of<V, 128 / V::kWidth>(x + i, factor);
        break;
      case 256:
        if constexpr (V::kWidth >= 16) {
          hadamard_of<V, 256 / V::kWidth>(x + i, factor);
        } else {
          hadamard_of<V, 128 / V::kWidth>(x + i, 1.0f);
          hadamard_of<V, 128 / V::kWidth>(x + i + 128, 1.0f);
          join_halves<V>(x + i, 128, factor);
        }
        break;
      default:
        return portable_kernels().hadamard(x, count);
    }
  }
}

template <class V>
void rope_half_split(float* head, const float* cos, const float* sin, size_t rotary_dim) {
  const size_t half = rotary_dim / 2;
  if (half % V::kWidth != 0) return portable_kernels().rope_half_split(head, cos, sin, rotary_dim);
  for (size_t f = 0; f < half; f += V::kWidth) {
    const auto a = V::load(head + f), b = V::load(head + half + f);
    const auto c = V::load(cos + f), s = V::load(sin + f);
    V::store(head + f, V::fma(V::sub_float(V::zero(), b), s, V::mul(a, c)));
    V::store(head + half + f, V::fma(a, s, V::mul(b, c)));
  }
}

template <class V>
void rope_interleaved(float* head, const float* cos, const float* sin, size_t rotary_dim) {
  constexpr size_t kPairs = V::kWidth / 2;
  const size_t half = rotary_dim / 2;
  if (half % kPairs != 0) return portable_kernels().rope_interleaved(head, cos, sin, rotary_dim);
  for (size_t f = 0; f < half; f += kPairs) {
    const auto x = V::load(head + 2 * f);
    const auto turned = V::mul(V::swap_pairs(x), V::doubled(sin + f));
    // even: a c - b s, odd: b c + a s
    V::store(head + 2 * f, V::fma_sub_add(x, V::doubled(cos + f), turned));
  }
}

// As store_key_reference() and store_value_reference() choose it: for q4 the value of largest magnitude
// becomes -8.
template <class V>
struct Rounding {
  float scale, inverse;
  int low, high;

  Rounding(KvCode code, const float* x, size_t count) {
    auto above = V::zero(), below = above;
    for (size_t h = 0; h < count; h += V::kWidth) {
      const auto v = V::load(x + h);
      above = V::max(v, above);
      below = V::min(v, below);
    }
    const float most = V::reduce_max(above), least = -V::reduce_max(V::sub_float(V::zero(), below));
    const bool q4 = code == KvCode::kQ4;
    scale = q4 ? (most >= -least ? most : least) / -8.0f : (most >= -least ? most : -least) / 127.0f;
    inverse = std::fabs(scale) > kTiniestScale ? 1.0f / scale : 0.0f;
    low = q4 ? -8 : -127;
    high = q4 ? 7 : 127;
  }
  // kWidth signed codes, kept within range.
  typename V::I operator()(const float* x) const {
    return V::clamp(V::rounded(V::mul(V::load(x), V::broadcast(inverse))), low, high);
  }
};

// Two dimensions of four bits, both raised by 8, in one byte.
template <class V>
typename V::I nibbles(typename V::I low, typename V::I high) {
  return V::sub(V::add_ints(low, V::template shift_left<4>(high)), -(8 + 8 * 16));
}

template <class V>
void store_key(const KvFormat& format, const float* x, size_t slot, uint8_t* page) {
  if (format.key < KvCode::kQ8) return store_key_reference(format, x, slot, page);
  const size_t dim = format.head_dim;
  float rest[kMaxHeadDim];
  if (format.centered) {
    const auto* center = reinterpret_cast<const float*>(page + format.center());
    for (size_t h = 0; h < dim; h += V::kWidth)
      V::store(rest + h, V::sub_float(V::load(x + h), V::load(center + h)));
    x = rest;
  }
  const Rounding<V> round(format.key, x, dim);
  std::memcpy(page + format.key_scales() + slot * sizeof(float), &round.scale, sizeof(float));
  const bool q4 = format.key == KvCode::kQ4;
  const size_t steps = dim / (q4 ? 8 : 4);
  uint8_t* lane = page + slot / 16 * steps * 64 + slot % 16 * 4;
  for (size_t h = 0; h < (q4 ? dim / 2 : dim); h += V::kWidth) {
    uint8_t codes[V::kWidth];
    V::store_low_bytes(codes,
                       q4 ? nibbles<V>(round(x + h), round(x + dim / 2 + h)) : V::sub(round(x + h), -128));
    for (size_t i = 0; i < V::kWidth; i += 4) std::memcpy(lane + (h + i) / 4 * 64, codes + i, 4);
  }
}

template <class V>
void store_value(const KvFormat& format, const float* x, size_t slot, uint8_t* page) {
  if (format.value < KvCode::kQ8) return store_value_reference(format, x, slot, page);
  const size_t dim = format.head_dim;
  const Rounding<V> round(format.value, x, dim);
  std::memcpy(page + format.value_scales() + slot * sizeof(float), &round.scale, sizeof(float));
  uint8_t* values = page + format.values();
  if (format.value == KvCode::kQ8) {
    for (size_t h = 0; h < dim; h += V::kWidth) V::store_low_bytes(values + slot * dim + h, round(x + h));
    return;
  }
  for (size_t h = 0; h < dim; h += 32) {
    for (size_t j = 0; j < 16; j += V::kWidth)
      V::store_low_bytes(values + (slot * dim + h) / 2 + j,
                         nibbles<V>(round(x + h + j), round(x + h + 16 + j)));
  }
}

}  // namespace vector_kernels
}  // namespace
}  // namespace longscroll
