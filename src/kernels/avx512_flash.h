// Blocked attention over 8-bit or 4-bit pages (FlashAttention, arXiv 2205.14135) for AVX-512 with VNNI and
// BF16: queries times keys in bytes (SageAttention, arXiv 2410.02367), softmax in float32, probabilities
// times values in bf16. Integer codes of values are exact in bf16; the values' scales go into the
// probabilities.
//
// Letters as in kernels.h; a tile is kTile rows, a block kBlockKeys keys. Scores are in units of log 2.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "kernels/avx512_vnni.h"
#include "kernels/kernels.h"
#include "kernels/vector_sizes.h"

namespace longscroll {
namespace {
namespace flash {

constexpr size_t kTile = 12;        // rows of a register tile, two vectors wide
constexpr size_t kBlockKeys = 256;  // keys of one step of the running maximum
constexpr size_t kLanes = 16;
constexpr size_t kWide = 32;       // columns of a register tile
constexpr size_t kFewHeads = 8;    // of a group: up to here, a few tokens read values as they are stored
constexpr size_t kFewRows = 7;     // rows that share the reading
constexpr size_t kByteLanes = 64;  // dimensions of a value in one vector of bytes
constexpr float kLog2E = 1.44269504088896f;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

struct Room {
  // Codes of queries, and of what their rounding left where that is wanted.
  struct Queries {
    int8_t* codes;    // [R][H]
    float* factors;   // [R] scale of a row's codes, with the softmax's scale and log2(e)
    int32_t* biases;  // [R] -128 · sum of codes: keys are stored raised by 128
  };
  Queries whole, left;
  float* largest;     // [R]
  float* sums;        // [R]
  float* scores;      // [kTile][kBlockKeys]
  uint16_t* weights;  // [kTile][kBlockKeys] bf16
  uint8_t* keys;      // [kBlockKeys / 16][H / 4][16][4] for 4-bit keys
  uint32_t* values;   // [H / 32][kBlockKeys / 2][32] pairs of bf16: even key low, odd key high

  Room(const AttentionArgs& args) {
    const size_t rows = args.rows(), dim = args.kv.head_dim;
    float* p = align_64(args.scratch);
    const auto take = [&p](size_t floats) {
      float* here = p;
      p += (floats + kLanes - 1) / kLanes * kLanes;
      return here;
    };
    values = reinterpret_cast<uint32_t*>(take(kBlockKeys / 2 * dim));
    scores = take(kTile * kBlockKeys);
    weights = reinterpret_cast<uint16_t*>(take(kTile * kBlockKeys / 2));
    keys = reinterpret_cast<uint8_t*>(take(kBlockKeys * dim / 4));
    for (Queries* queries : {&whole, &left}) {
      queries->codes = reinterpret_cast<int8_t*>(take(rows * dim / 4));
      queries->factors = take(rows);
      queries->biases = reinterpret_cast<int32_t*>(take(rows));
    }
    largest = take(rows);
    sums = take(rows);
  }
};

// Written out as dot_bytes() is.
inline void dot_bf16(__m512& acc, __m512i a, __m512i b) {
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
}

inline __m512 exp2_vector(__m512 x) {  // 0 below -126; Taylor to degree 5: relative error under 3e-6
  const __mmask16 normal = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-126.0f), _CMP_GE_OQ);
  const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 r = _mm512_sub_ps(x, n);
  __m512 p = _mm512_set1_ps(1.33335581e-3f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(9.61812911e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.55041087e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(2.40226507e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(6.93147181e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  return _mm512_maskz_scalef_ps(normal, p, n);
}

inline float exp2_one(float x) {
  return _mm512_cvtss_f32(exp2_vector(_mm512_set1_ps(x)));
}

// Whether queries get 16 bits: where keys have a bias queries have one too, which makes scores large and
// leaves few of eight bits for what tells keys apart; and a few tokens wait for memory alone.
inline bool whole_queries(const AttentionArgs& args) {
  return args.kv.centered || args.m <= kFewTokens;
}

// One row's codes from x; leaves there what the rounding left.
void quantize_query(const AttentionArgs& args, size_t row, const Room::Queries& to, float* x) {
  const size_t dim = args.kv.head_dim;
  __m512 largest = _mm512_setzero_ps();
  for (size_t h = 0; h < dim; h += kLanes)
    largest = _mm512_max_ps(largest, _mm512_abs_ps(_mm512_loadu_ps(x + h)));
  const float scale = _mm512_reduce_max_ps(largest) / 127.0f;
  const __m512 inverse = _mm512_set1_ps(scale > kTiniestScale ? 1.0f / scale : 0.0f);
  __m512i sum = _mm512_setzero_si512();
  for (size_t h = 0; h < dim; h += kLanes) {
    const __m512 value = _mm512_loadu_ps(x + h);
    const __m512i codes = _mm512_cvtps_epi32(_mm512_mul_ps(value, inverse));
    sum = _mm512_add_epi32(sum, codes);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to.codes + row * dim + h), _mm512_cvtepi32_epi8(codes));
    _mm512_storeu_ps(x + h, _mm512_fnmadd_ps(_mm512_cvtepi32_ps(codes), _mm512_set1_ps(scale), value));
  }
  to.factors[row] = scale * args.scale * kLog2E;
  to.biases[row] = -128 * _mm512_reduce_add_epi32(sum);
}

void start_row(const AttentionArgs& args, size_t row, const Room& room) {
  float x[kMaxHeadDim];
  std::copy_n(args.query(row), args.kv.head_dim, x);
  quantize_query(args, row, room.whole, x);
  if (whole_queries(args)) quantize_query(args, row, room.left, x);
  room.largest[row] = kMinusInfinity;
  room.sums[row] = 0.0f;
  std::fill_n(args.output(row), args.kv.head_dim, 0.0f);
}

// 64 keys of four bits as bytes raised by 128, in the order of 8-bit keys.
void unpack_q4_keys(const uint8_t* page, size_t dim, uint8_t* out) {
  const __m512i low_bits = _mm512_set1_epi8(15), raise = _mm512_set1_epi8(120);
  const size_t steps = dim / 8;
  for (size_t group = 0; group < kPageKeys / kLanes; ++group) {
    for (size_t step = 0; step < steps; ++step) {
      const __m512i bytes = _mm512_loadu_si512(page + (group * steps + step) * 64);
      uint8_t* to = out + (group * 2 * steps + step) * 64;
      _mm512_storeu_si512(to, _mm512_add_epi8(_mm512_and_si512(bytes, low_bits), raise));
      const __m512i high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low_bits);
      _mm512_storeu_si512(to + steps * 64, _mm512_add_epi8(high, raise));
    }
  }
}

// Sixteen codes of a value as floats.
inline __m512 value_codes(KvCode code, const uint8_t* values, size_t slot, size_t dim, size_t h) {
  if (code == KvCode::kQ8) {
    const auto* row = reinterpret_cast<const __m128i*>(values + slot * dim + h);
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(row)));
  }
  const auto* row = reinterpret_cast<const __m128i*>(values + slot * dim / 2 + h / 32 * 16);
  __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(row));
  bytes = h % 32 < 16 ? _mm512_and_si512(bytes, _mm512_set1_epi32(15)) : _mm512_srli_epi32(bytes, 4);
  return _mm512_cvtepi32_ps(_mm512_sub_epi32(bytes, _mm512_set1_epi32(8)));
}

// The codes of a page's values as pairs of bf16: exact, so that cutting a float off is no rounding. `out` is
// the page's first pair.
template <KvCode kCode>
void unpack_values(const uint8_t* values, size_t dim, uint32_t* out) {
  const __m512i high_half = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  for (size_t slot = 0; slot < kPageKeys; slot += 2) {
    for (size_t h = 0; h < dim; h += kLanes) {
      const __m512i even = _mm512_castps_si512(value_codes(kCode, values, slot, dim, h));
      const __m512i odd = _mm512_castps_si512(value_codes(kCode, values, slot + 1, dim, h));
      _mm512_storeu_si512(out + (h / kWide * kBlockKeys / 2 + slot / 2) * kWide + h % kWide,
                          _mm512_or_si512(_mm512_srli_epi32(even, 16), _mm512_and_si512(odd, high_half)));
    }
  }
}

// Scores of kRows rows with 32 · kPairs / 2 … keys that start at `keys`: kVectors vectors of 16 keys.
// `ahead`: the same keys of the next block, asked for meanwhile, since a few rows wait for memory alone.
template <size_t kRows, size_t kVectors, bool kAdd>
void score_tile(const Room::Queries& queries, size_t row, const uint8_t* keys, const uint8_t* ahead,
                const float* key_scales, size_t dim, float* scores) {
  const size_t steps = dim / 4;
  __m512i acc[kRows][kVectors];
#pragma GCC unroll 12
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) acc[r][v] = _mm512_set1_epi32(queries.biases[row + r]);
  }
  const int8_t* q = queries.codes + row * dim;
  for (size_t step = 0; step < steps; ++step) {
    __m512i k[kVectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      k[v] = _mm512_loadu_si512(keys + (v * steps + step) * 64);
      if constexpr (kRows <= kFewRows) _mm_prefetch(ahead + (v * steps + step) * 64, _MM_HINT_T1);
    }
#pragma GCC unroll 12
    for (size_t r = 0; r < kRows; ++r) {
      int32_t four;
      std::memcpy(&four, q + r * dim + 4 * step, sizeof four);
      const __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) dot_bytes(acc[r][v], k[v], x);
    }
  }
#pragma GCC unroll 12
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 factor = _mm512_set1_ps(queries.factors[row + r]);
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(key_scales + v * kLanes), factor);
      float* to = scores + r * kBlockKeys + v * kLanes;
      const __m512 before = kAdd ? _mm512_loadu_ps(to) : _mm512_setzero_ps();
      _mm512_storeu_ps(to, _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[r][v]), scaled, before));
    }
  }
}

// The keys and values of one block, where the tiles find them.
struct Block {
  size_t first = 0, count = 0;  // positions; count in whole pages, past the end too
  const uint8_t* pages[kBlockKeys / kPageKeys] = {};
  const uint8_t* ahead[kBlockKeys / kPageKeys] = {};  // pages of the block after it, to ask memory for
};

// Adds what a query makes with the page's center to its scores of the page's keys.
void add_center(const AttentionArgs& args, const uint8_t* page, size_t row, float* scores) {
  const auto* center = reinterpret_cast<const float*>(page + args.kv.center());
  const float* q = args.query(row);
  __m512 sum = _mm512_setzero_ps();
  for (size_t h = 0; h < args.kv.head_dim; h += kLanes)
    sum = _mm512_fmadd_ps(_mm512_loadu_ps(q + h), _mm512_loadu_ps(center + h), sum);
  const __m512 score = _mm512_set1_ps(_mm512_reduce_add_ps(sum) * args.scale * kLog2E);
  for (size_t t = 0; t < kPageKeys; t += kLanes)
    _mm512_storeu_ps(scores + t, _mm512_add_ps(_mm512_loadu_ps(scores + t), score));
}

template <size_t kRows>
void score_block(const AttentionArgs& args, const Room& room, const Block& block, size_t row, size_t count) {
  constexpr size_t kVectors = kRows <= 4 ? 4 : 2;
  const size_t dim = args.kv.head_dim;
  for (size_t t = 0; t < count; t += kVectors * kLanes) {
    const uint8_t* page = block.pages[t / kPageKeys];
    const uint8_t* keys = args.kv.key == KvCode::kQ4 ? room.keys + t * dim : page + t % kPageKeys * dim;
    const auto* scales = reinterpret_cast<const float*>(page + args.kv.key_scales()) + t % kPageKeys;
    const uint8_t* ahead = block.ahead[t / kPageKeys] + t % kPageKeys * dim;
    score_tile<kRows, kVectors, false>(room.whole, row, keys, ahead, scales, dim, room.scores + t);
    if (whole_queries(args))
      score_tile<kRows, kVectors, true>(room.left, row, keys, keys, scales, dim, room.scores + t);
  }
  if (!args.kv.centered) return;
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t t = 0; t < count; t += kPageKeys)
      add_center(args, block.pages[t / kPageKeys], row + r, room.scores + r * kBlockKeys + t);
  }
}

// Sixteen weights, in bf16 beside the scores or as floats in their place.
inline void put_weights(uint16_t* weights, float*, size_t t, __m512 x) {
  const __m256bh narrow = _mm512_cvtneps_pbh(x);
  std::memcpy(weights + t, &narrow, sizeof narrow);
}
inline void put_weights(std::nullptr_t, float* scores, size_t t, __m512 x) {
  _mm512_storeu_ps(scores + t, x);
}

// Scores of one row to weights times the values' scales; the running maximum and sum brought up to date.
// Returns what the row's sums so far must be multiplied by.
template <class Weights>
float softmax_row(const AttentionArgs& args, const Room& room, const Block& block, size_t row, float* scores,
                  Weights weights, size_t count) {
  const size_t visible = args.position(row) + 1, lowest = args.first_visible(row);
  const size_t end = visible <= block.first ? 0 : std::min(count, visible - block.first);
  const size_t begin = lowest <= block.first ? 0 : std::min(end, lowest - block.first);
  std::fill(scores, scores + begin, kMinusInfinity);
  std::fill(scores + end, scores + count, kMinusInfinity);
  __m512 most = _mm512_set1_ps(kMinusInfinity);
  for (size_t t = 0; t < count; t += kLanes) most = _mm512_max_ps(most, _mm512_loadu_ps(scores + t));
  const float before = room.largest[row];
  const float largest = std::max(before, _mm512_reduce_max_ps(most));
  if (largest == kMinusInfinity) {  // nothing visible yet
    for (size_t t = 0; t < count; t += kLanes) put_weights(weights, scores, t, _mm512_setzero_ps());
    return 1.0f;
  }
  const __m512 shift = _mm512_set1_ps(largest);
  __m512 sum = _mm512_setzero_ps();
  for (size_t t = 0; t < count; t += kLanes) {
    const __m512 e = exp2_vector(_mm512_sub_ps(_mm512_loadu_ps(scores + t), shift));
    sum = _mm512_add_ps(sum, e);
    const uint8_t* scales = block.pages[t / kPageKeys] + args.kv.value_scales();
    put_weights(weights, scores, t,
                _mm512_mul_ps(e, _mm512_loadu_ps(reinterpret_cast<const float*>(scales) + t % kPageKeys)));
  }
  const float shrink = before == kMinusInfinity ? 0.0f : exp2_one(before - largest);
  room.sums[row] = room.sums[row] * shrink + _mm512_reduce_add_ps(sum);
  room.largest[row] = largest;
  return shrink;
}

// out rows = out · shrink + weights · values, over `count` keys.
template <size_t kRows>
void value_tile(const AttentionArgs& args, const Room& room, size_t row, size_t count, const float* shrink) {
  const size_t dim = args.kv.head_dim;
  for (size_t h = 0; h < dim; h += kWide) {
    __m512 acc[kRows][2];
#pragma GCC unroll 12
    for (size_t r = 0; r < kRows; ++r) {
      const float* out = args.output(row + r) + h;
      const __m512 factor = _mm512_set1_ps(shrink[r]);
      acc[r][0] = _mm512_mul_ps(_mm512_loadu_ps(out), factor);
      acc[r][1] = _mm512_mul_ps(_mm512_loadu_ps(out + kLanes), factor);
    }
    const uint32_t* values = room.values + h * kBlockKeys / 2;
    for (size_t t = 0; t < count; t += 2, values += kWide) {
      const __m512i v0 = _mm512_loadu_si512(values), v1 = _mm512_loadu_si512(values + kLanes);
#pragma GCC unroll 12
      for (size_t r = 0; r < kRows; ++r) {
        int32_t pair;
        std::memcpy(&pair, room.weights + r * kBlockKeys + t, sizeof pair);
        const __m512i p = _mm512_set1_epi32(pair);
        dot_bf16(acc[r][0], p, v0);
        dot_bf16(acc[r][1], p, v1);
      }
    }
#pragma GCC unroll 12
    for (size_t r = 0; r < kRows; ++r) {
      float* out = args.output(row + r) + h;
      _mm512_storeu_ps(out, acc[r][0]);
      _mm512_storeu_ps(out + kLanes, acc[r][1]);
    }
  }
}

// Too few rows to make pairs of bf16 for. It goes by the heads that share the values, not by their tokens,
// whose results may not depend on each other (kFewTokens).
inline bool reads_stored_values(const AttentionArgs& args) {
  return args.group <= kFewHeads && args.m <= kFewTokens;
}

// Rows' weights (negative where a value's scale is) as unit · (256 · high + low), in signed bytes.
struct ByteWeights {
  static constexpr int kMost = 127 * 256 + 127;

  int8_t* bytes;        // [rows][2][kBlockKeys]: the high bytes of all keys, then the low ones
  float units[kTile];   // [rows]
  int32_t sums[kTile];  // [rows] of 256 · high + low

  explicit ByteWeights(const Room& room) : bytes(reinterpret_cast<int8_t*>(room.weights)) {}

  void set(size_t r, const float* weights, size_t count) {
    __m512 most = _mm512_setzero_ps();
    for (size_t t = 0; t < count; t += kLanes)
      most = _mm512_max_ps(most, _mm512_abs_ps(_mm512_loadu_ps(weights + t)));
    units[r] = _mm512_reduce_max_ps(most) / static_cast<float>(kMost);
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

// Rows' sums over `count` keys of weights times raised values. Bytes of four keys are put side by side, which
// makes four vectors: of these [kFirst, kFirst + kParts), vector i being dimensions 4 · i and the next three
// of each sixteen.
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
    if constexpr (kFirst == 0) {  // the next block's, as in score_tile()
      const uint8_t* ahead = block.ahead[t / kPageKeys] + kv.values();
      for (size_t i = 0; i < 4; ++i) _mm_prefetch(ahead + (t % kPageKeys + i) * kv.head_dim + h, _MM_HINT_T1);
    }
    __m512i v[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) v[i] = raised_value<kCode>(values, t % kPageKeys + i, kv.head_dim, h);
    const __m512i a = _mm512_unpacklo_epi8(v[0], v[1]), b = _mm512_unpackhi_epi8(v[0], v[1]);
    const __m512i c = _mm512_unpacklo_epi8(v[2], v[3]), d = _mm512_unpackhi_epi8(v[2], v[3]);
    const __m512i fours[4] = {_mm512_unpacklo_epi16(a, c), _mm512_unpackhi_epi16(a, c),
                              _mm512_unpacklo_epi16(b, d), _mm512_unpackhi_epi16(b, d)};
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
        dot_bytes(high[r][i], fours[kFirst + i], w_high);
        dot_bytes(low[r][i], fours[kFirst + i], w_low);
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

// out rows = out · shrink + weights · values, from the page's codes. r is the row's place in the tile at
// `row`.
template <KvCode kCode, size_t kRows>
void value_rows(const AttentionArgs& args, const Block& block, size_t row, size_t r0, size_t count,
                const ByteWeights& weights, const float* shrink) {
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
      float* out = args.output(row + r0 + r) + h;
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

template <size_t kRows>
void attend_few(const AttentionArgs& args, const Room& room, const Block& block, size_t row, size_t count) {
  ByteWeights weights(room);
  float shrink[kRows];
  for (size_t r = 0; r < kRows; ++r) {
    float* scores = room.scores + r * kBlockKeys;
    shrink[r] = softmax_row(args, room, block, row + r, scores, nullptr, count);
    weights.set(r, scores, count);
  }
  const auto add = [&]<size_t kCount>(size_t r) {
    if (args.kv.value == KvCode::kQ8) {
      value_rows<KvCode::kQ8, kCount>(args, block, row, r, count, weights, shrink);
    } else {
      value_rows<KvCode::kQ4, kCount>(args, block, row, r, count, weights, shrink);
    }
  };
  size_t r = 0;
  for (; r + kFewRows <= kRows; r += kFewRows) add.template operator()<kFewRows>(r);
  if constexpr (kRows % kFewRows != 0) add.template operator()<kRows % kFewRows>(r);
}

template <size_t kRows>
void attend_tile(const AttentionArgs& args, const Room& room, const Block& block, size_t row) {
  // Keys that the tile's last row sees, in whole pages.
  const size_t seen = args.position(row + kRows - 1) + 1;
  if (seen <= block.first) return;
  const size_t count = std::min(block.count, (seen - block.first + kPageKeys - 1) / kPageKeys * kPageKeys);
  score_block<kRows>(args, room, block, row, count);
  if (reads_stored_values(args)) return attend_few<kRows>(args, room, block, row, count);
  float shrink[kRows];
  for (size_t r = 0; r < kRows; ++r) {
    shrink[r] = softmax_row(args, room, block, row + r, room.scores + r * kBlockKeys,
                            room.weights + r * kBlockKeys, count);
  }
  value_tile<kRows>(args, room, row, count, shrink);
}

using TileFn = void (*)(const AttentionArgs&, const Room&, const Block&, size_t);

TileFn tile_of(size_t rows) {
  static constexpr auto table = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<TileFn, sizeof...(I)>{&attend_tile<I + 1>...};
  }(std::make_index_sequence<kTile>());
  return table[rows - 1];
}

void open_block(const AttentionArgs& args, const Room& room, Block& block) {
  const size_t dim = args.kv.head_dim;
  for (size_t t = 0; t < block.count; t += kPageKeys) {
    const uint8_t* page = args.page(block.first + t);
    block.pages[t / kPageKeys] = page;
    const size_t next = block.first + t + kBlockKeys;
    block.ahead[t / kPageKeys] = next < args.key_end ? args.page(next) : page;
    if (args.kv.key == KvCode::kQ4) unpack_q4_keys(page, dim, room.keys + t * dim);
    if (reads_stored_values(args)) continue;
    const uint8_t* values = page + args.kv.values();
    if (args.kv.value == KvCode::kQ8) {
      unpack_values<KvCode::kQ8>(values, dim, room.values + t / 2 * kWide);
    } else {
      unpack_values<KvCode::kQ4>(values, dim, room.values + t / 2 * kWide);
    }
  }
}

void finish(const AttentionArgs& args, const Room& room) {
  for (size_t row = 0; row < args.rows(); ++row) {
    if (args.largest != nullptr) {
      args.largest[row] = room.largest[row] / kLog2E;
      args.sums[row] = room.sums[row];
      continue;
    }
    const __m512 inverse = _mm512_set1_ps(1.0f / room.sums[row]);
    float* out = args.output(row);
    for (size_t h = 0; h < args.kv.head_dim; h += kLanes)
      _mm512_storeu_ps(out + h, _mm512_mul_ps(_mm512_loadu_ps(out + h), inverse));
  }
}

void attention(const AttentionArgs& args) {
  const Room room(args);
  const size_t rows = args.rows();
  for (size_t row = 0; row < rows; ++row) {
    start_row(args, row, room);
  }
  const size_t lowest = std::max(args.key_begin, args.first_visible(0)) / kPageKeys * kPageKeys;
  // Blocks begin where their positions say, so that a row's do not depend on what the first row sees.
  for (size_t t = lowest, next = 0; t < args.key_end; t = next) {
    next = t / kBlockKeys * kBlockKeys + kBlockKeys;
    const size_t left = (args.key_end - t + kPageKeys - 1) / kPageKeys * kPageKeys;
    Block block{t, std::min(next - t, left), {}};
    open_block(args, room, block);
    for (size_t row = 0; row < rows; row += kTile) {
      tile_of(std::min(kTile, rows - row))(args, room, block, row);
    }
  }
  finish(args, room);
}

}  // namespace flash
}  // namespace
}  // namespace longscroll
