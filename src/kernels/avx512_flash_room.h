// What the parts of the blocked attention of avx512_flash.h share: sizes, the room that a thread works in,
// and 2 to the power of a vector. Letters as in kernels.h; a tile is kTile rows, a block kBlockKeys keys.
#pragma once

#include <immintrin.h>

#include <algorithm>
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
constexpr size_t kBlockPages = kBlockKeys / kPageKeys;
constexpr size_t kLanes = 16;
constexpr size_t kWide = 32;       // columns of a register tile
constexpr size_t kFewHeads = 8;    // of a group: up to here, a few tokens read values as they are stored
constexpr size_t kFewRows = 7;     // rows that share the reading
constexpr size_t kByteLanes = 64;  // dimensions of a value in one vector of bytes
constexpr float kLog2E = 1.44269504088896f;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// Up to kFewTokens tokens, whose results may not depend on each other: their queries get 16 bits, which costs
// nothing where memory is what they wait for.
inline bool few_tokens(const AttentionArgs& args) {
  return args.m <= kFewTokens;
}

struct Room {
  // Codes of rows of queries, of their heads' means, or of what rounding these left.
  struct Queries {
    int8_t* codes;    // [R][H]
    float* factors;   // [R] scale of a row's codes, with the softmax's scale and log2(e)
    int32_t* biases;  // [R] -128 · sum of codes: keys are stored raised by 128
  };
  Queries whole, left;
  Queries means, means_left;  // [group]
  float* mean_scores;         // [group][kBlockKeys]
  float* out;                 // [R][H], not divided by the sums yet; rows side by side in the cache's sets
  float* largest;             // [R]
  float* sums;                // [R]
  float* scores;              // [kTile][kBlockKeys]
  uint8_t* weights;           // [kTile][2][kBlockKeys]
  uint8_t* keys;              // [kBlockKeys / 16][H / 4][16][4] for 4-bit keys
  int8_t* values;             // [H / 32][kBlockKeys / 4][32][4]

  Room(const AttentionArgs& args) {
    const size_t rows = args.rows(), dim = args.kv.head_dim;
    float* p = align_64(args.scratch);
    const auto take = [&p](size_t bytes) {
      float* here = p;
      p += (bytes + 63) / 64 * kLanes;
      return here;
    };
    values = reinterpret_cast<int8_t*>(take(kBlockKeys * dim));
    scores = take(kTile * kBlockKeys * sizeof(float));
    weights = reinterpret_cast<uint8_t*>(take(2 * kTile * kBlockKeys));
    keys = reinterpret_cast<uint8_t*>(take(kBlockKeys * dim));
    const auto take_queries = [&](Queries& queries, size_t count) {
      queries.codes = reinterpret_cast<int8_t*>(take(count * dim));
      queries.factors = take(count * sizeof(float));
      queries.biases = reinterpret_cast<int32_t*>(take(count * sizeof(int32_t)));
    };
    for (Queries* queries : {&whole, &left}) take_queries(*queries, rows);
    for (Queries* queries : {&means, &means_left}) take_queries(*queries, args.group);
    mean_scores = take(args.group * kBlockKeys * sizeof(float));
    out = take(rows * dim * sizeof(float));
    largest = take(rows * sizeof(float));
    sums = take(rows * sizeof(float));
  }
};

// The keys and values of one block, where the tiles find them.
struct Block {
  size_t first = 0, count = 0;  // positions; count in whole pages, past the end too
  const uint8_t* pages[kBlockPages] = {};
  const uint8_t* ahead[kBlockPages] = {};  // pages of the block after it, to ask memory for
};

// f<rows>(), for 1 to kTile rows.
template <class F>
void with_rows(size_t rows, const F& f) {
  [&]<size_t... I>(std::index_sequence<I...>) {
    (void)((rows == I + 1 && (f.template operator()<I + 1>(), true)) || ...);
  }(std::make_index_sequence<kTile>());
}

// For x <= 0: a polynomial for the part after the point, relative error under 3e-6; 1 for 0.
inline __m512 exp2_vector(__m512 x) {
  const __m512 r = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  __m512 p = _mm512_set1_ps(0.0134267015f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.0522424467f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.241280213f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.693044841f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, x);
}

inline float exp2_one(float x) {
  return _mm512_cvtss_f32(exp2_vector(_mm512_set1_ps(x)));
}

inline __m512 larger(__m512 a, __m512 b) {
  return _mm512_max_ps(a, b);
}
inline __m256 larger(__m256 a, __m256 b) {
  return _mm256_max_ps(a, b);
}
inline __m128 larger(__m128 a, __m128 b) {
  return _mm_max_ps(a, b);
}

// Of each of four vectors, its lanes joined.
template <class Join>
__m128 of_four(const __m512 (&x)[4], const Join& join) {
  const __m512 ab = join(_mm512_unpacklo_ps(x[0], x[1]), _mm512_unpackhi_ps(x[0], x[1]));
  const __m512 cd = join(_mm512_unpacklo_ps(x[2], x[3]), _mm512_unpackhi_ps(x[2], x[3]));
  const __m512 abcd = join(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  const __m256 half = join(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));
  return join(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

}  // namespace flash
}  // namespace
}  // namespace longscroll
