// Scores of queries with a block's keys, and their softmax so far.
//
// Queries are rounded to bytes. What all queries of a head share they would spend most of their 8 bits on, so
// the mean of the tokens is taken off first and multiplied apart, in 16 bits, once for the tile's rows (as in
// SageAttention2, arXiv 2411.10958). A few tokens have 16 bits each instead.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/avx512_flash_room.h"

namespace longscroll {
namespace {
namespace flash {

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

// A head's mean over the tokens, summed in their order.
void mean_query(const AttentionArgs& args, size_t head, float* mean) {
  const __m512 share = _mm512_set1_ps(1.0f / static_cast<float>(args.m));
  for (size_t h = 0; h < args.kv.head_dim; h += kLanes) {
    __m512 sum = _mm512_setzero_ps();
    for (size_t m = 0; m < args.m; ++m)
      sum = _mm512_add_ps(sum, _mm512_loadu_ps(args.query(m * args.group + head) + h));
    _mm512_storeu_ps(mean + h, _mm512_mul_ps(sum, share));
  }
}

void start_rows(const AttentionArgs& args, const Room& room) {
  const size_t dim = args.kv.head_dim;
  for (size_t head = 0; head < args.group; ++head) {
    float mean[kMaxHeadDim] = {}, x[kMaxHeadDim];
    if (!few_tokens(args)) mean_query(args, head, mean);
    for (size_t row = head; row < args.rows(); row += args.group) {
      const float* q = args.query(row);
      for (size_t h = 0; h < dim; ++h) x[h] = q[h] - mean[h];
      quantize_query(args, row, room.whole, x);
      if (few_tokens(args)) quantize_query(args, row, room.left, x);
      room.largest[row] = kMinusInfinity;
      room.sums[row] = 0.0f;
      std::fill_n(room.out + row * dim, dim, 0.0f);
    }
    if (few_tokens(args)) continue;
    quantize_query(args, head, room.means, mean);
    quantize_query(args, head, room.means_left, mean);
  }
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

// Where the keys of a block from position t on are, and those after them in the next block.
struct KeysAt {
  const uint8_t *keys, *ahead;
  const float* scales;

  KeysAt(const AttentionArgs& args, const Room& room, const Block& block, size_t t) {
    const size_t dim = args.kv.head_dim, page = t / kPageKeys, within = t % kPageKeys;
    keys = args.kv.key == KvCode::kQ4 ? room.keys + t * dim : block.pages[page] + within * dim;
    ahead = block.ahead[page] + within * dim;
    scales = reinterpret_cast<const float*>(block.pages[page] + args.kv.key_scales()) + within;
  }
};

// Scores of kRows rows with 16 · kVectors keys, added to before(r, v).
template <size_t kRows, size_t kVectors, class Before>
[[gnu::noinline]] void score_tile(const Room::Queries& queries, size_t row, const KeysAt& at, size_t dim,
                                  float* scores, const Before& before) {
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
    for (size_t v = 0; v < kVectors; ++v) k[v] = _mm512_loadu_si512(at.keys + (v * steps + step) * 64);
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
      const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(at.scales + v * kLanes), factor);
      _mm512_storeu_ps(scores + r * kBlockKeys + v * kLanes,
                       _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[r][v]), scaled, before(r, v)));
    }
  }
}

// What a row's query makes with the centers of the block's pages.
void score_centers(const AttentionArgs& args, const Block& block, size_t row, float* scores) {
  static_assert(kBlockPages == 4);
  const size_t pages = block.count / kPageKeys;
  const float* centers[kBlockPages];
  for (size_t i = 0; i < kBlockPages; ++i)
    centers[i] = reinterpret_cast<const float*>(block.pages[std::min(i, pages - 1)] + args.kv.center());
  const float* q = args.query(row);
  __m512 sums[kBlockPages] = {};
  for (size_t h = 0; h < args.kv.head_dim; h += kLanes) {
    const __m512 x = _mm512_loadu_ps(q + h);
    for (size_t i = 0; i < kBlockPages; ++i)
      sums[i] = _mm512_fmadd_ps(x, _mm512_loadu_ps(centers[i] + h), sums[i]);
  }
  const __m128 products = of_four(sums, [](auto x, auto y) { return x + y; });
  _mm_storeu_ps(scores, _mm_mul_ps(products, _mm_set1_ps(args.scale * kLog2E)));
}

// Scores of kRows rows of 16 bits, from one reading of the keys. The next block's are asked for meanwhile,
// since a few rows wait for memory alone.
template <size_t kRows, size_t kVectors, class Before>
[[gnu::noinline]] void score_tile_of_16_bits(const Room::Queries& whole, const Room::Queries& left,
                                             size_t row, const KeysAt& at, size_t dim, float* scores,
                                             const Before& before) {
  const size_t steps = dim / 4;
  const int8_t* const codes[2] = {whole.codes + row * dim, left.codes + row * dim};
  __m512i acc[2][kRows][kVectors];
#pragma GCC unroll 7
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) {
      acc[0][r][v] = _mm512_set1_epi32(whole.biases[row + r]);
      acc[1][r][v] = _mm512_set1_epi32(left.biases[row + r]);
    }
  }
  for (size_t step = 0; step < steps; ++step) {
    __m512i k[kVectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      k[v] = _mm512_loadu_si512(at.keys + (v * steps + step) * 64);
      _mm_prefetch(at.ahead + (v * steps + step) * 64, _MM_HINT_T1);
    }
#pragma GCC unroll 7
    for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (size_t part = 0; part < 2; ++part) {
        int32_t four;
        std::memcpy(&four, codes[part] + r * dim + 4 * step, sizeof four);
        const __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 4
        for (size_t v = 0; v < kVectors; ++v) dot_bytes(acc[part][r][v], k[v], x);
      }
    }
  }
#pragma GCC unroll 7
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 factors[2] = {_mm512_set1_ps(whole.factors[row + r]), _mm512_set1_ps(left.factors[row + r])};
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      const __m512 scales = _mm512_loadu_ps(at.scales + v * kLanes);
      __m512 score = before(r, v);
      for (size_t part = 0; part < 2; ++part)
        score =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[part][r][v]), _mm512_mul_ps(scales, factors[part]), score);
      _mm512_storeu_ps(scores + r * kBlockKeys + v * kLanes, score);
    }
  }
}

// Asks for the scales of the keys and values from position t of the next block on, 16 · kVectors of each.
template <size_t kVectors>
void ask_for_scales(const AttentionArgs& args, const Block& block, size_t t) {
  const uint8_t* page = block.ahead[t / kPageKeys] + t % kPageKeys * sizeof(float);
  for (size_t v = 0; v < kVectors; ++v) {
    _mm_prefetch(page + args.kv.key_scales() + v * kLanes * sizeof(float), _MM_HINT_T1);
    _mm_prefetch(page + args.kv.value_scales() + v * kLanes * sizeof(float), _MM_HINT_T1);
  }
}

// Scores of kRows rows of 16 bits with a block's keys.
template <size_t kRows, class Before>
void score_16_bits(const AttentionArgs& args, const Room& room, const Block& block,
                   const Room::Queries& whole, const Room::Queries& left, size_t row, size_t count,
                   float* scores, const Before& before) {
  constexpr size_t kVectors = kRows <= 3 ? 4 : 2;
  const size_t dim = args.kv.head_dim;
  for (size_t t = 0; t < count; t += kVectors * kLanes) {
    const KeysAt at(args, room, block, t);
    ask_for_scales<kVectors>(args, block, t);
    float* to = scores + t;
    const auto start = [&](size_t r, size_t) { return before(r, t); };
    if constexpr (kRows <= kFewRows) {
      score_tile_of_16_bits<kRows, kVectors>(whole, left, row, at, dim, to, start);
    } else {  // so many sums do not fit into registers
      score_tile<kRows, kVectors>(whole, row, at, dim, to, start);
      score_tile<kRows, kVectors>(left, row, at, dim, to, [&](size_t r, size_t v) {
        return _mm512_loadu_ps(to + r * kBlockKeys + v * kLanes);
      });
    }
  }
}

// Of the heads' means with the block's keys.
void score_means(const AttentionArgs& args, const Room& room, const Block& block) {
  const auto nothing = [](size_t, size_t) { return _mm512_setzero_ps(); };
  for (size_t head = 0; head < args.group; head += kTile) {
    with_rows(std::min(kTile, args.group - head), [&]<size_t kRows>() {
      score_16_bits<kRows>(args, room, block, room.means, room.means_left, head, block.count,
                           room.mean_scores + head * kBlockKeys, nothing);
    });
  }
}

template <size_t kRows>
void score_block(const AttentionArgs& args, const Room& room, const Block& block, size_t row, size_t count) {
  constexpr size_t kVectors = kRows <= 4 ? 4 : 2;
  float centers[kRows][kBlockPages] = {};
  for (size_t r = 0; args.kv.centered && r < kRows; ++r) score_centers(args, block, row + r, centers[r]);
  if (few_tokens(args)) {
    return score_16_bits<kRows>(
        args, room, block, room.whole, room.left, row, count, room.scores,
        [&](size_t r, size_t t) { return _mm512_set1_ps(centers[r][t / kPageKeys]); });
  }
  const float* means[kRows];
  for (size_t r = 0; r < kRows; ++r) means[r] = room.mean_scores + (row + r) % args.group * kBlockKeys;
  for (size_t t = 0; t < count; t += kVectors * kLanes) {
    const KeysAt at(args, room, block, t);
    score_tile<kRows, kVectors>(room.whole, row, at, args.kv.head_dim, room.scores + t,
                                [&](size_t r, size_t v) {
                                  return _mm512_add_ps(_mm512_loadu_ps(means[r] + t + v * kLanes),
                                                       _mm512_set1_ps(centers[r][t / kPageKeys]));
                                });
  }
}

// Whether rows [row, row + rows) see all of the block's first `count` keys.
inline bool all_seen(const AttentionArgs& args, const Block& block, size_t row, size_t rows, size_t count) {
  return block.first + count <= args.position(row) + 1 && args.first_visible(row + rows - 1) <= block.first;
}

// Scores of keys that the row does not see become -infinity.
inline void hide_unseen(const AttentionArgs& args, const Block& block, size_t row, float* scores,
                        size_t count) {
  const size_t visible = args.position(row) + 1, lowest = args.first_visible(row);
  const size_t end = visible <= block.first ? 0 : std::min(count, visible - block.first);
  const size_t begin = lowest <= block.first ? 0 : std::min(end, lowest - block.first);
  std::fill(scores, scores + begin, kMinusInfinity);
  std::fill(scores + end, scores + count, kMinusInfinity);
}

// A row's largest score so far, brought up to date.
struct Largest {
  float shift;   // what to take off scores
  float shrink;  // what the row's sums so far must be multiplied by

  Largest(const Room& room, size_t row, const float* scores, size_t count) {
    __m512 most[kPageKeys / kLanes];  // as many as hide what a maximum waits for
    for (__m512& part : most) part = _mm512_set1_ps(kMinusInfinity);
    for (size_t t = 0; t < count; t += kPageKeys) {
#pragma GCC unroll 4
      for (size_t i = 0; i < kPageKeys / kLanes; ++i)
        most[i] = _mm512_max_ps(most[i], _mm512_loadu_ps(scores + t + i * kLanes));
    }
    const __m512 largest = larger(larger(most[0], most[1]), larger(most[2], most[3]));
    const float before = room.largest[row], now = std::max(before, _mm512_reduce_max_ps(largest));
    shift = now == kMinusInfinity ? 0.0f : now;  // nothing visible yet: every weight is 0
    shrink = before == kMinusInfinity ? 0.0f : exp2_one(before - now);
    room.largest[row] = now;
  }
};

// Scores of one row to weights times the values' scales, in their place; most[page] is the largest magnitude
// by lane. Returns Largest's shrink.
inline float softmax_row(const AttentionArgs& args, const Room& room, const Block& block, size_t row,
                         float* scores, size_t count, __m512 (&most)[kBlockPages]) {
  const Largest largest(room, row, scores, count);
  const __m512 shift = _mm512_set1_ps(largest.shift);
  __m512 sum = _mm512_setzero_ps();
  for (size_t page = 0; page < kBlockPages; ++page) {
    most[page] = _mm512_setzero_ps();
    if (page * kPageKeys >= count) continue;
    const auto* scales = reinterpret_cast<const float*>(block.pages[page] + args.kv.value_scales());
    float* x = scores + page * kPageKeys;
    __m512 largest_weight = _mm512_setzero_ps();
#pragma GCC unroll 4
    for (size_t t = 0; t < kPageKeys; t += kLanes) {
      const __m512 e = exp2_vector(_mm512_sub_ps(_mm512_loadu_ps(x + t), shift));
      const __m512 weight = _mm512_mul_ps(e, _mm512_loadu_ps(scales + t));
      sum = _mm512_add_ps(sum, e);
      largest_weight = _mm512_max_ps(largest_weight, _mm512_abs_ps(weight));
      _mm512_storeu_ps(x + t, weight);
    }
    most[page] = largest_weight;
  }
  room.sums[row] = room.sums[row] * largest.shrink + _mm512_reduce_add_ps(sum);
  return largest.shrink;
}

}  // namespace flash
}  // namespace
}  // namespace longscroll
