// Weights times a block's values, both in bytes. Many rows share an unpacking of the values, and have weights
// of 8 bits, whose unit is the largest of a page. A few rows read the values as they are stored, and have
// weights of 16 bits.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/avx512_flash_room.h"

namespace longscroll {
namespace {
namespace flash {

// Dimensions [h, h + 64) of a value, raised to unsigned bytes; anything past the head's end.
template <KvCode kCode>
__m512i raised_value(const uint8_t* values, size_t slot, size_t dim, size_t h) {
  const bool whole = dim - h >= kByteLanes;
  if constexpr (kCode == KvCode::kQ8) {
    const __mmask64 there = whole ? ~__mmask64{0} : 0xffffffffu;
    const __m512i codes = _mm512_maskz_loadu_epi8(there, values + slot * dim + h);
    return _mm512_xor_si512(codes, _mm512_set1_epi8(-128));
  } else {
    const __mmask64 there = whole ? 0xffffffffu : 0xffffu;
    const __m512i stored = _mm512_maskz_loadu_epi8(there, values + (slot * dim + h) / 2);
    const __m512i twice = _mm512_shuffle_i64x2(stored, stored, 0b01010000);  // 16 bytes for low and high
    const __m512i shifts = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
    return _mm512_and_si512(_mm512_srlv_epi64(twice, shifts), _mm512_set1_epi8(15));
  }
}

// Bytes of four keys' values side by side: vector i holds dimensions 4 · i and the next three of each
// sixteen.
struct Fours {
  __m512i x[4];

  explicit Fours(const __m512i (&v)[4]) {
    const __m512i a = _mm512_unpacklo_epi8(v[0], v[1]), b = _mm512_unpackhi_epi8(v[0], v[1]);
    const __m512i c = _mm512_unpacklo_epi8(v[2], v[3]), d = _mm512_unpackhi_epi8(v[2], v[3]);
    x[0] = _mm512_unpacklo_epi16(a, c);
    x[1] = _mm512_unpackhi_epi16(a, c);
    x[2] = _mm512_unpacklo_epi16(b, d);
    x[3] = _mm512_unpackhi_epi16(b, d);
  }
};

// Vector i of fours of each sixteen dimensions, to vector i of dimensions in their order.
void in_order(__m512i (&x)[4]) {
  const __m512i a = _mm512_shuffle_i32x4(x[0], x[1], 0b01000100),
                b = _mm512_shuffle_i32x4(x[2], x[3], 0b01000100);
  const __m512i c = _mm512_shuffle_i32x4(x[0], x[1], 0b11101110),
                d = _mm512_shuffle_i32x4(x[2], x[3], 0b11101110);
  x[0] = _mm512_shuffle_i32x4(a, b, 0b10001000);
  x[1] = _mm512_shuffle_i32x4(a, b, 0b11011101);
  x[2] = _mm512_shuffle_i32x4(c, d, 0b10001000);
  x[3] = _mm512_shuffle_i32x4(c, d, 0b11011101);
}

// ---- Many rows. ----

// A tile's weights as bytes, in units of their own for each page. Weights are as negative as their values'
// scales: the bytes are of magnitudes, and unpack_values() turns the values' signs.
struct PageWeights {
  uint8_t* bytes;  // [rows][kBlockKeys]
  float units[kTile][kBlockPages], inverses[kTile][kBlockPages];

  explicit PageWeights(const Room& room) : bytes(room.weights) {}

  void set_units(size_t r, const __m512 (&most)[kBlockPages]) {
    const __m128 unit =
        _mm_mul_ps(of_four(most, [](auto a, auto b) { return larger(a, b); }), _mm_set1_ps(1.0f / 255.0f));
    _mm_storeu_ps(units[r], unit);
    const __mmask8 usable = _mm_cmp_ps_mask(unit, _mm_set1_ps(kTiniestScale), _CMP_GT_OQ);
    _mm_storeu_ps(inverses[r], _mm_maskz_div_ps(usable, _mm_set1_ps(1.0f), unit));
  }
  void round(size_t r, const float* weights, size_t count) const {
    uint8_t* to = bytes + r * kBlockKeys;
    // What packs by 128 bits leaves in another order.
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (size_t t = 0; t < count; t += kPageKeys) {
      const __m512 inverse = _mm512_set1_ps(inverses[r][t / kPageKeys]);
      const auto codes = [&](size_t i) {
        const __m512 weight = _mm512_abs_ps(_mm512_loadu_ps(weights + t + i * kLanes));
        return _mm512_cvtps_epi32(_mm512_mul_ps(weight, inverse));
      };
      const __m512i low = _mm512_packus_epi32(codes(0), codes(1)),
                    high = _mm512_packus_epi32(codes(2), codes(3));
      _mm512_storeu_si512(to + t, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high)));
    }
  }
};

// A page's values, signed as their scales are, with four keys' bytes of a dimension in one lane. `out` is the
// page's first lane.
template <KvCode kCode>
void unpack_values(const KvFormat& kv, const uint8_t* page, int8_t* out) {
  const uint8_t* values = page + kv.values();
  const auto* scales = reinterpret_cast<const float*>(page + kv.value_scales());
  const __m512i raised = _mm512_set1_epi8(kCode == KvCode::kQ8 ? -128 : 8);
  for (size_t slot = 0; slot < kPageKeys; slot += 4) {
    for (size_t h = 0; h < kv.head_dim; h += kByteLanes) {
      __m512i v[4];
      for (size_t i = 0; i < 4; ++i) {
        v[i] = _mm512_sub_epi8(raised_value<kCode>(values, slot + i, kv.head_dim, h), raised);
        if (kCode == KvCode::kQ4 && scales[slot + i] < 0.0f)
          v[i] = _mm512_sub_epi8(_mm512_setzero_si512(), v[i]);
      }
      Fours fours(v);
      in_order(fours.x);
      for (size_t i = 0; i < std::min(kByteLanes, kv.head_dim - h) / kLanes; ++i) {
        const size_t at = h + i * kLanes;
        _mm512_storeu_si512(out + ((at / kWide * kBlockKeys + slot) * kWide) + at % kWide * 4, fours.x[i]);
      }
    }
  }
}

// out rows = out · shrink + weights · values, over `count` keys.
template <size_t kRows>
[[gnu::noinline]] void value_tile(const AttentionArgs& args, const Room& room, size_t row, size_t count,
                                  const PageWeights& weights, const float* shrink) {
  const size_t dim = args.kv.head_dim;
  for (size_t h = 0; h < dim; h += kWide) {
    const int8_t* values = room.values + h * kBlockKeys;
    for (size_t page = 0; page < count / kPageKeys; ++page) {
      __m512i acc[kRows][2];
#pragma GCC unroll 12
      for (size_t r = 0; r < kRows; ++r) acc[r][0] = acc[r][1] = _mm512_setzero_si512();
      for (size_t t = page * kPageKeys; t < (page + 1) * kPageKeys; t += 4, values += 4 * kWide) {
        const __m512i v0 = _mm512_loadu_si512(values), v1 = _mm512_loadu_si512(values + 4 * kLanes);
#pragma GCC unroll 12
        for (size_t r = 0; r < kRows; ++r) {
          int32_t four;
          std::memcpy(&four, weights.bytes + r * kBlockKeys + t, sizeof four);
          const __m512i w = _mm512_set1_epi32(four);
          dot_bytes(acc[r][0], w, v0);
          dot_bytes(acc[r][1], w, v1);
        }
      }
#pragma GCC unroll 12
      for (size_t r = 0; r < kRows; ++r) {
        float* out = room.out + (row + r) * dim + h;
        const __m512 unit = _mm512_set1_ps(weights.units[r][page]);
        const __m512 factor = _mm512_set1_ps(page == 0 ? shrink[r] : 1.0f);
#pragma GCC unroll 2
        for (size_t v = 0; v < 2; ++v) {
          const __m512 before = _mm512_mul_ps(_mm512_loadu_ps(out + v * kLanes), factor);
          _mm512_storeu_ps(out + v * kLanes, _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[r][v]), unit, before));
        }
      }
    }
  }
}

// ---- A few rows. ----

// Too few rows to unpack values for. It goes by the heads that share the values, not by their tokens,
// whose results may not depend on each other (kFewTokens).
inline bool reads_stored_values(const AttentionArgs& args) {
  return args.group <= kFewHeads && few_tokens(args);
}

// Rows' weights (negative where a value's scale is) as unit · (256 · high + low), in signed bytes.
struct ByteWeights {
  static constexpr int kMost = 127 * 256 + 127;

  int8_t* bytes;        // [rows][2][kBlockKeys]: the high bytes of all keys, then the low ones
  float units[kTile];   // [rows]
  int32_t sums[kTile];  // [rows] of 256 · high + low

  explicit ByteWeights(const Room& room) : bytes(reinterpret_cast<int8_t*>(room.weights)) {}

  void set(size_t r, const float* weights, const __m512 (&most)[kBlockPages], size_t count) {
    const __m512 largest = larger(larger(most[0], most[1]), larger(most[2], most[3]));
    units[r] = _mm512_reduce_max_ps(largest) / static_cast<float>(kMost);
    const __m512 inverse = _mm512_set1_ps(units[r] > kTiniestScale ? 1.0f / units[r] : 0.0f);
    const __m512i top = _mm512_set1_epi32(kMost);  // which a rounded division may pass
    __m512i sum = _mm512_setzero_si512();
    for (size_t t = 0; t < count; t += kLanes) {
      __m512i code = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(weights + t), inverse));
      code = _mm512_max_epi32(_mm512_min_epi32(code, top), _mm512_sub_epi32(_mm512_setzero_si512(), top));
      sum = _mm512_add_epi32(sum, code);
      const auto put = [&](int8_t* to, __m512i x) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + t), _mm512_cvtepi32_epi8(x));
      };
      put(of(r), _mm512_srai_epi32(_mm512_add_epi32(code, _mm512_set1_epi32(128)), 8));
      put(of(r) + kBlockKeys, code);
    }
    sums[r] = _mm512_reduce_add_epi32(sum);
  }
  int8_t* of(size_t r) const { return bytes + r * 2 * kBlockKeys; }
};

// Rows' sums over `count` keys of weights times raised values: of the four vectors of Fours,
// [kFirst, kFirst + kParts).
template <KvCode kCode, size_t kRows, size_t kFirst, size_t kParts>
void sum_values(const Block& block, const KvFormat& kv, size_t h, size_t count, const int8_t* weights,
                __m512i (*sums)[4]) {
  __m512i high[kRows][kParts], low[kRows][kParts];
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (size_t i = 0; i < kParts; ++i) high[r][i] = low[r][i] = _mm512_setzero_si512();
  }
  for (size_t t = 0; t < count; t += 4) {
    const uint8_t* values = block.pages[t / kPageKeys] + kv.values();
    if constexpr (kFirst == 0) {  // the next block's, as in score_tile_of_16_bits()
      const uint8_t* ahead = block.ahead[t / kPageKeys] + kv.values();
      for (size_t i = 0; i < 4; ++i) _mm_prefetch(ahead + (t % kPageKeys + i) * kv.head_dim + h, _MM_HINT_T1);
    }
    __m512i v[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) v[i] = raised_value<kCode>(values, t % kPageKeys + i, kv.head_dim, h);
    const Fours fours(v);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
      const auto four_weights = [&](size_t at) {
        int32_t four;
        std::memcpy(&four, weights + r * 2 * kBlockKeys + at, sizeof four);
        return _mm512_set1_epi32(four);
      };
      const __m512i w_high = four_weights(t), w_low = four_weights(kBlockKeys + t);
#pragma GCC unroll 4
      for (size_t i = 0; i < kParts; ++i) {
        dot_bytes(high[r][i], fours.x[kFirst + i], w_high);
        dot_bytes(low[r][i], fours.x[kFirst + i], w_low);
      }
    }
  }
  // At most kMost · 255 · 256 keys: within 31 bits.
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (size_t i = 0; i < kParts; ++i)
      sums[r][kFirst + i] = _mm512_add_epi32(_mm512_slli_epi32(high[r][i], 8), low[r][i]);
  }
}

// out rows = out · shrink + weights · values, from the page's codes. r is the row's place in the tile at
// `row`.
template <KvCode kCode, size_t kRows>
void value_rows(const AttentionArgs& args, const Room& room, const Block& block, size_t row, size_t r0,
                size_t count, const ByteWeights& weights, const float* shrink) {
  constexpr int kRaised = kCode == KvCode::kQ8 ? 128 : 8;
  const size_t dim = args.kv.head_dim;
  for (size_t h = 0; h < dim; h += kByteLanes) {
    __m512i sums[kRows][4];
    if constexpr (kRows <= kFewRows / 2) {
      sum_values<kCode, kRows, 0, 4>(block, args.kv, h, count, weights.of(r0), sums);
    } else {  // so many sums do not fit into registers
      sum_values<kCode, kRows, 0, 2>(block, args.kv, h, count, weights.of(r0), sums);
      sum_values<kCode, kRows, 2, 2>(block, args.kv, h, count, weights.of(r0), sums);
    }
    for (size_t r = 0; r < kRows; ++r) {
      in_order(sums[r]);
      float* out = room.out + (row + r0 + r) * dim + h;
      const __m512 unit = _mm512_set1_ps(weights.units[r0 + r]), factor = _mm512_set1_ps(shrink[r0 + r]);
      const __m512i raised = _mm512_set1_epi32(kRaised * weights.sums[r0 + r]);
      for (size_t i = 0; i < std::min(kByteLanes, dim - h) / kLanes; ++i) {
        const __m512 before = _mm512_mul_ps(_mm512_loadu_ps(out + i * kLanes), factor);
        const __m512 sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums[r][i], raised));
        _mm512_storeu_ps(out + i * kLanes, _mm512_fmadd_ps(sum, unit, before));
      }
    }
  }
}

}  // namespace flash
}  // namespace
}  // namespace longscroll
