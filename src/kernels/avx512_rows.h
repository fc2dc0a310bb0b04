// Operations on one head of one token, for the sets with AVX-512: rotations and writing into pages. What is
// odd in size goes to the plain functions.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/avx512_floats.h"
#include "kernels/kernels.h"
#include "kernels/sets.h"
#include "kernels/vector_sizes.h"

namespace longscroll {
namespace {
namespace rows {

constexpr size_t kLanes = 16;

// Sums and differences of lanes kApart from each other.
template <int kApart>
__m512 butterfly(__m512 x) {
  alignas(64) static constexpr auto kTables = [] {
    struct Tables {
      int order[16];
      float sign[16];
    } t{};
    for (int i = 0; i < 16; ++i) {
      t.order[i] = i ^ kApart;
      t.sign[i] = (i & kApart) != 0 ? -1.0f : 1.0f;
    }
    return t;
  }();
  const __m512 partner = _mm512_permutexvar_ps(_mm512_loadu_si512(kTables.order), x);
  return _mm512_fmadd_ps(x, _mm512_loadu_ps(kTables.sign), partner);
}

// Fast Walsh-Hadamard transform of 16 · kVectors values, held in registers.
template <size_t kVectors>
void hadamard_of(float* x) {
  __m512 v[kVectors];
#pragma GCC unroll 16
  for (size_t i = 0; i < kVectors; ++i)
    v[i] = butterfly<8>(butterfly<4>(butterfly<2>(butterfly<1>(_mm512_loadu_ps(x + i * kLanes)))));
#pragma GCC unroll 4
  for (size_t apart = 1; apart < kVectors; apart *= 2) {
#pragma GCC unroll 16
    for (size_t i = 0; i < kVectors; ++i) {
      if ((i & apart) != 0) continue;
      const __m512 a = v[i], b = v[i + apart];
      v[i] = _mm512_add_ps(a, b);
      v[i + apart] = _mm512_sub_ps(a, b);
    }
  }
  const __m512 scale = _mm512_set1_ps(1.0f / std::sqrt(static_cast<float>(kVectors * kLanes)));
#pragma GCC unroll 16
  for (size_t i = 0; i < kVectors; ++i) _mm512_storeu_ps(x + i * kLanes, _mm512_mul_ps(v[i], scale));
}

void hadamard(float* x, size_t count) {
  const size_t n = count & (~count + 1);
  switch (n) {
    case 32:
      for (size_t i = 0; i < count; i += n) hadamard_of<2>(x + i);
      return;
    case 64:
      for (size_t i = 0; i < count; i += n) hadamard_of<4>(x + i);
      return;
    case 128:
      for (size_t i = 0; i < count; i += n) hadamard_of<8>(x + i);
      return;
    case 256:
      return hadamard_of<16>(x);
    default:
      return portable_kernels().hadamard(x, count);
  }
}

void rope_half_split(float* head, const float* cos, const float* sin, size_t rotary_dim) {
  const size_t half = rotary_dim / 2;
  if (half % kLanes != 0) return portable_kernels().rope_half_split(head, cos, sin, rotary_dim);
  for (size_t f = 0; f < half; f += kLanes) {
    const __m512 a = _mm512_loadu_ps(head + f), b = _mm512_loadu_ps(head + half + f);
    const __m512 c = _mm512_loadu_ps(cos + f), s = _mm512_loadu_ps(sin + f);
    _mm512_storeu_ps(head + f, _mm512_fnmadd_ps(b, s, _mm512_mul_ps(a, c)));
    _mm512_storeu_ps(head + half + f, _mm512_fmadd_ps(a, s, _mm512_mul_ps(b, c)));
  }
}

void rope_interleaved(float* head, const float* cos, const float* sin, size_t rotary_dim) {
  const size_t half = rotary_dim / 2;
  if (half % (kLanes / 2) != 0) return portable_kernels().rope_interleaved(head, cos, sin, rotary_dim);
  const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  for (size_t f = 0; f < half; f += kLanes / 2) {
    const auto doubled = [&twice](const float* p) {
      return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
    };
    const __m512 x = _mm512_loadu_ps(head + 2 * f);
    const __m512 swapped = _mm512_permute_ps(x, 0xb1);
    // even: a c - b s, odd: b c + a s
    _mm512_storeu_ps(head + 2 * f, _mm512_fmaddsub_ps(x, doubled(cos + f), _mm512_mul_ps(swapped, doubled(sin + f))));
  }
}

// Sixteen values as signed codes, kept within [low, high].
inline __m512i codes_of(const float* x, __m512 inverse, int low, int high) {
  const __m512i codes = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), inverse));
  return _mm512_max_epi32(_mm512_min_epi32(codes, _mm512_set1_epi32(high)), _mm512_set1_epi32(low));
}

// As store_key_reference() and store_value_reference() choose it: for q4 the value of largest magnitude
// becomes -8.
struct Rounding {
  float scale, inverse;

  Rounding(KvCode code, const float* x, size_t count) {
    __m512 high = _mm512_setzero_ps(), low = high;
    for (size_t h = 0; h < count; h += kLanes) {
      const __m512 v = _mm512_loadu_ps(x + h);
      high = _mm512_max_ps(v, high);
      low = _mm512_min_ps(v, low);
    }
    const float most = _mm512_reduce_max_ps(high), least = _mm512_reduce_min_ps(low);
    if (code == KvCode::kQ4) {
      scale = (most >= -least ? most : least) / -8.0f;
    } else {
      scale = std::fmax(std::fabs(most), std::fabs(least)) / 127.0f;
    }
    inverse = std::fabs(scale) > kTiniestScale ? 1.0f / scale : 0.0f;
  }
};

void store_key(const KvFormat& format, const float* x, size_t slot, uint8_t* page) {
  if (format.key < KvCode::kQ8) return store_key_reference(format, x, slot, page);
  const size_t dim = format.head_dim;
  float rest[kMaxHeadDim];
  if (format.centered) {
    const auto* center = reinterpret_cast<const float*>(page + format.center());
    for (size_t h = 0; h < dim; h += kLanes)
      _mm512_storeu_ps(rest + h, _mm512_sub_ps(_mm512_loadu_ps(x + h), _mm512_loadu_ps(center + h)));
    x = rest;
  }
  const Rounding round(format.key, x, dim);
  const __m512 inverse = _mm512_set1_ps(round.inverse);
  std::memcpy(page + format.key_scales() + slot * sizeof(float), &round.scale, sizeof(float));
  const bool q4 = format.key == KvCode::kQ4;
  const size_t steps = dim / (q4 ? 8 : 4);
  uint8_t* lane = page + slot / 16 * steps * 64 + slot % 16 * 4;
  for (size_t h = 0; h < (q4 ? dim / 2 : dim); h += kLanes) {
    alignas(16) uint32_t four[4];
    if (q4) {
      const __m512i low = codes_of(x + h, inverse, -8, 7), high = codes_of(x + dim / 2 + h, inverse, -8, 7);
      const __m512i both = _mm512_add_epi32(low, _mm512_add_epi32(_mm512_slli_epi32(high, 4),
                                                                  _mm512_set1_epi32(8 + 8 * 16)));
      _mm_store_si128(reinterpret_cast<__m128i*>(four), _mm512_cvtepi32_epi8(both));
    } else {
      const __m512i raised = _mm512_add_epi32(codes_of(x + h, inverse, -127, 127), _mm512_set1_epi32(128));
      _mm_store_si128(reinterpret_cast<__m128i*>(four), _mm512_cvtepi32_epi8(raised));
    }
    for (size_t i = 0; i < 4; ++i) std::memcpy(lane + (h / 4 + i) * 64, four + i, sizeof four[i]);
  }
}

void store_value(const KvFormat& format, const float* x, size_t slot, uint8_t* page) {
  if (format.value < KvCode::kQ8) return store_value_reference(format, x, slot, page);
  const size_t dim = format.head_dim;
  const Rounding round(format.value, x, dim);
  const __m512 inverse = _mm512_set1_ps(round.inverse);
  std::memcpy(page + format.value_scales() + slot * sizeof(float), &round.scale, sizeof(float));
  uint8_t* values = page + format.values();
  if (format.value == KvCode::kQ8) {
    for (size_t h = 0; h < dim; h += kLanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(values + slot * dim + h),
                       _mm512_cvtepi32_epi8(codes_of(x + h, inverse, -127, 127)));
    }
    return;
  }
  for (size_t h = 0; h < dim; h += 2 * kLanes) {
    const __m512i low = codes_of(x + h, inverse, -8, 7), high = codes_of(x + h + kLanes, inverse, -8, 7);
    const __m512i both = _mm512_add_epi32(low, _mm512_add_epi32(_mm512_slli_epi32(high, 4),
                                                                _mm512_set1_epi32(8 + 8 * 16)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values + slot * dim / 2 + h / 2), _mm512_cvtepi32_epi8(both));
  }
}

void use_in(KernelSet& set) {
  set.hadamard = hadamard;
  set.rope_half_split = rope_half_split;
  set.rope_interleaved = rope_interleaved;
  set.store_key = store_key;
  set.store_value = store_value;
}

}  // namespace rows
}  // namespace
}  // namespace longscroll
