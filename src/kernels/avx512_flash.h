// Blocked attention over 8-bit or 4-bit pages (FlashAttention, arXiv 2205.14135) for AVX-512 with VNNI:
// queries times keys in bytes (SageAttention, arXiv 2410.02367), softmax in float32, weights times values in
// bytes. The values' scales go into the weights.
//
// Letters as in kernels.h; a tile is kTile rows, a block kBlockKeys keys. Scores are in units of log 2.
#pragma once

#include <immintrin.h>

#include <algorithm>

#include "kernels/avx512_flash_scores.h"
#include "kernels/avx512_flash_values.h"
#include "kernels/vector_attention.h"

namespace longscroll {
namespace {
namespace flash {

template <size_t kRows>
void attend_few(const AttentionArgs& args, const Room& room, const Block& block, size_t row, size_t count) {
  ByteWeights weights(room);
  float shrink[kRows];
  for (size_t r = 0; r < kRows; ++r) {
    float* scores = room.scores + r * kBlockKeys;
    __m512 most[kBlockPages];
    shrink[r] = softmax_row(args, room, block, row + r, scores, count, most);
    weights.set(r, scores, most, count);
  }
  const auto add = [&]<size_t kCount>(size_t r) {
    if (args.kv.value == KvCode::kQ8) {
      value_rows<KvCode::kQ8, kCount>(args, room, block, row, r, count, weights, shrink);
    } else {
      value_rows<KvCode::kQ4, kCount>(args, room, block, row, r, count, weights, shrink);
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
  if (!all_seen(args, block, row, kRows, count)) {
    for (size_t r = 0; r < kRows; ++r) hide_unseen(args, block, row + r, room.scores + r * kBlockKeys, count);
  }
  if (reads_stored_values(args)) return attend_few<kRows>(args, room, block, row, count);
  PageWeights weights(room);
  float shrink[kRows];
  for (size_t r = 0; r < kRows; ++r) {
    __m512 most[kBlockPages];
    shrink[r] = softmax_row(args, room, block, row + r, room.scores + r * kBlockKeys, count, most);
    weights.set_units(r, most);
  }
  for (size_t r = 0; r < kRows; ++r) weights.round(r, room.scores + r * kBlockKeys, count);
  value_tile<kRows>(args, room, row, count, weights, shrink);
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
    const auto unpack =
        args.kv.value == KvCode::kQ8 ? unpack_values<KvCode::kQ8> : unpack_values<KvCode::kQ4>;
    unpack(args.kv, page, room.values + t * kWide);
  }
  if (!few_tokens(args)) score_means(args, room, block);
}

void finish(const AttentionArgs& args, const Room& room) {
  const size_t dim = args.kv.head_dim;
  for (size_t row = 0; row < args.rows(); ++row) {
    const bool part = args.largest != nullptr;
    if (part) {
      args.largest[row] = room.largest[row] / kLog2E;
      args.sums[row] = room.sums[row];
    }
    const __m512 inverse = _mm512_set1_ps(part ? 1.0f : 1.0f / room.sums[row]);
    for (size_t h = 0; h < dim; h += kLanes) {
      const __m512 sum = _mm512_loadu_ps(room.out + row * dim + h);
      _mm512_storeu_ps(args.output(row) + h, _mm512_mul_ps(sum, inverse));
    }
  }
}

void attention(const AttentionArgs& args) {
  const Room room(args);
  start_rows(args, room);
  const size_t rows = args.rows();
  const size_t lowest = std::max(args.key_begin, args.first_visible(0)) / kPageKeys * kPageKeys;
  // Blocks begin where their positions say, so that a row's do not depend on what the first row sees.
  for (size_t t = lowest, next = 0; t < args.key_end; t = next) {
    next = t / kBlockKeys * kBlockKeys + kBlockKeys;
    const size_t left = (args.key_end - t + kPageKeys - 1) / kPageKeys * kPageKeys;
    Block block;
    block.first = t;
    block.count = std::min(next - t, left);
    open_block(args, room, block);
    for (size_t row = 0; row < rows; row += kTile) {
      with_rows(std::min(kTile, rows - row),
                [&]<size_t kRows>() { attend_tile<kRows>(args, room, block, row); });
    }
  }
  finish(args, room);
}

// Over pages of any form: those of floats are attended to as floats.
void attention_over_pages(const AttentionArgs& args) {
  if (args.kv.key >= KvCode::kQ8 && args.kv.value >= KvCode::kQ8) return attention(args);
  vector_kernels::attention<Avx512Vnni>(args);
}

}  // namespace flash
}  // namespace
}  // namespace longscroll
