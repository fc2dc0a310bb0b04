// Blocked attention over an instruction set V, with a running maximum and sum a query. Keys and values of a
// block are unpacked into panels once and used by every row of the call; a few rows read pages as they are
// stored.
//
// Letters as in kernels.h.
#pragma once

#include <algorithm>

#include "kernels/vector_matmul.h"
#include "kernels/vector_pages.h"
#include "kernels/vector_softmax.h"

namespace longscroll {
namespace {
namespace vector_kernels {

// Calls f<kType>() for the floats that a page holds.
template <class F>
decltype(auto) with_floats(KvCode code, F&& f) {
  if (code == KvCode::kF32) return f.template operator()<DType::kF32>();
  if (code == KvCode::kF16) return f.template operator()<DType::kF16>();
  return f.template operator()<DType::kBF16>();
}

template <DType kType>
const uint8_t* float_row(const uint8_t* rows, size_t position, size_t dim) {
  return rows + position % kPageKeys * dim * (kType == DType::kF32 ? 4 : 2);
}

// For pages of floats.
template <class V>
void key_to_float(const AttentionArgs& args, size_t position, float* out) {
  const uint8_t* page = args.page(position);
  with_floats(args.kv.key, [&]<DType kType>() {
    dequantize_row<V, kType>(float_row<kType>(page, position, args.kv.head_dim), out, args.kv.head_dim);
  });
}

template <class V>
void value_to_float(const AttentionArgs& args, size_t position, float* out) {
  const uint8_t* page = args.page(position);
  with_floats(args.kv.value, [&]<DType kType>() {
    const uint8_t* rows = page + args.kv.values();
    dequantize_row<V, kType>(float_row<kType>(rows, position, args.kv.head_dim), out, args.kv.head_dim);
  });
}

struct AttentionScratch {
  float* keys;     // [block / panel][H][panel]
  float* values;   // [ceil(H / panel)][block][panel]
  float* rows;     // [panel][H]
  float* queries;  // [kMaxRows][kStrideQ]
  float* scores;   // [kMaxRows][kStrideS]
  RunningSoftmax running;

  AttentionScratch(const AttentionArgs& args, size_t padded_dim) {
    keys = args.scratch;
    values = keys + kKeyBlock * args.kv.head_dim;
    rows = values + kKeyBlock * padded_dim;
    queries = rows + kMaxPanel * args.kv.head_dim;
    scores = queries + kMaxRows * kStrideQ;
    running.largest = scores + kMaxRows * kStrideS;
    running.sums = running.largest + args.rows();
  }
};

template <class V>
void pack_keys(const AttentionArgs& args, size_t t0, size_t count, const AttentionScratch& room) {
  const size_t dim = args.kv.head_dim;
  if (args.kv.key == KvCode::kQ8) return unpack_keys<V, KvCode::kQ8>(args, t0, count, room.keys);
  if (args.kv.key == KvCode::kQ4) return unpack_keys<V, KvCode::kQ4>(args, t0, count, room.keys);
  for (size_t t = 0; t < count; t += V::kPanel) {
    const size_t columns = std::min(V::kPanel, count - t);
    for (size_t j = 0; j < columns; ++j) key_to_float<V>(args, t0 + t + j, room.rows + j * dim);
    pack_transposed<V>(room.rows, dim, columns, dim, room.keys + t * dim);
  }
}

template <class V>
void pack_values(const AttentionArgs& args, size_t t0, size_t count, const AttentionScratch& room) {
  const size_t dim = args.kv.head_dim;
  if (args.kv.value == KvCode::kQ8) return unpack_values<V, KvCode::kQ8>(args, t0, count, room.values);
  if (args.kv.value == KvCode::kQ4) return unpack_values<V, KvCode::kQ4>(args, t0, count, room.values);
  for (size_t t = 0; t < count; ++t) {
    value_to_float<V>(args, t0 + t, room.rows);
    for (size_t h = 0; h < dim; h += V::kPanel) {
      const size_t columns = std::min(V::kPanel, dim - h);
      float* panel = room.values + (h / V::kPanel * count + t) * V::kPanel;
      std::copy_n(room.rows + h, columns, panel);
      std::fill(panel + columns, panel + V::kPanel, 0.0f);
    }
  }
}

template <class V>
void attend_tile(const AttentionArgs& args, size_t m0, size_t t0, size_t count,
                 const AttentionScratch& room) {
  const size_t rows = std::min(V::kRows, args.rows() - m0), dim = args.kv.head_dim;
  const size_t padded = (count + V::kPanel - 1) / V::kPanel * V::kPanel;
  for (size_t r = 0; r < rows; ++r) std::copy_n(args.query(m0 + r), dim, room.queries + r * kStrideQ);
  for (size_t t = 0; t < padded; t += V::kPanel) {
    tile_of<V, kStrideQ>(rows)(dim, room.queries, room.keys + t * dim, false, room.scores + t, kStrideS);
  }
  for (size_t r = 0; r < rows; ++r) {
    softmax_step<V>(args, m0 + r, t0, count, padded, room.scores + r * kStrideS, room.running);
  }
  // Rows of a group lie a token's stride apart only from token to token: through a room of their own.
  float out[V::kRows * kStrideQ];
  for (size_t r = 0; r < rows; ++r) std::copy_n(args.output(m0 + r), dim, out + r * kStrideQ);
  for (size_t h = 0; h < dim; h += V::kPanel) {
    edge_tile<V, kStrideS>(rows, std::min(V::kPanel, dim - h), count, room.scores, room.values + h * count,
                           true, out + h, kStrideQ);
  }
  for (size_t r = 0; r < rows; ++r) std::copy_n(out + r * kStrideQ, dim, args.output(m0 + r));
}

template <class V>
void attend_many(const AttentionArgs& args) {
  const size_t dim = args.kv.head_dim, rows = args.rows();
  const AttentionScratch room(args, (dim + V::kPanel - 1) / V::kPanel * V::kPanel);
  start_rows(args, room.running);
  // Blocks begin where their positions say, so that a row's do not depend on what the first row sees.
  const size_t lowest = std::max(args.key_begin, args.first_visible(0)) / kPageKeys * kPageKeys;
  for (size_t t0 = lowest, next = 0; t0 < args.key_end; t0 = next) {
    next = t0 / kKeyBlock * kKeyBlock + kKeyBlock;
    const size_t count = std::min(next, args.key_end) - t0;
    pack_keys<V>(args, t0, count, room);
    pack_values<V>(args, t0, count, room);
    for (size_t m = 0; m < rows; m += V::kRows) {
      const bool all_ahead = args.position(std::min(m + V::kRows, rows) - 1) < t0;
      if (!all_ahead) attend_tile<V>(args, m, t0, count, room);
    }
  }
  finish_rows<V>(args, room.running);
}

template <class V, DType kType>
void attend_one(const AttentionArgs& args, size_t m) {
  const size_t dim = args.kv.head_dim, end = std::min(args.key_end, args.position(m) + 1);
  const float* q = args.query(m);
  float* out = args.output(m);
  float largest = kMinusInfinity, sum = 0.0f;
  alignas(64) float scores[kKeyBlock];
  std::fill_n(out, dim, 0.0f);
  for (size_t t0 = std::max(args.key_begin, args.first_visible(m)); t0 < end; t0 += kKeyBlock) {
    const size_t count = std::min(kKeyBlock, end - t0);
    const size_t padded = (count + V::kWidth - 1) / V::kWidth * V::kWidth;
    std::fill(scores + count, scores + padded, kMinusInfinity);
    for (size_t t = 0; t < count; ++t) {
      const uint8_t* key = float_row<kType>(args.page(t0 + t), t0 + t, dim);
      scores[t] = args.scale * dot_row<V, kType>(key, q, dim);
    }
    const float next = std::max(largest, max_of<V>(scores, padded));
    const float shrink = largest == kMinusInfinity ? 0.0f : V::exp_one(largest - next);
    sum = sum * shrink + exp_row<V>(scores, next, padded);
    largest = next;
    scale_row<V>(out, shrink, dim);
    for (size_t t = 0; t < count; ++t) {
      const uint8_t* value = float_row<kType>(args.page(t0 + t) + args.kv.values(), t0 + t, dim);
      add_scaled_row<V, kType>(value, scores[t], out, dim);
    }
  }
  finish_row<V>(args, m, largest, sum);
}

// Up to this many heads of a group, and a few tokens (kFewTokens), making panels costs more than it saves.
inline constexpr size_t kFewHeads = 3;

template <class V>
void attend_few_codes(const AttentionArgs& args) {
  const AttentionScratch room(args, (args.kv.head_dim + V::kPanel - 1) / V::kPanel * V::kPanel);
  start_rows(args, room.running);
  with_codes(args.kv.key, [&]<KvCode kKey>() {
    with_codes(args.kv.value,
               [&]<KvCode kValue>() { attend_few_codes<V, kKey, kValue>(args, room.running); });
  });
  finish_rows<V>(args, room.running);
}

template <class V>
void attention(const AttentionArgs& args) {
  const bool few = args.m <= kFewTokens;
  const bool codes = args.kv.key >= KvCode::kQ8 && args.kv.value >= KvCode::kQ8;
  if (few && codes && args.group <= kFewCodeHeads) return attend_few_codes<V>(args);
  if (!few || args.group > kFewHeads || args.kv.quantized()) return attend_many<V>(args);
  with_floats(args.kv.key, [&]<DType kType>() {
    for (size_t m = 0; m < args.rows(); ++m) attend_one<V, kType>(args, m);
  });
}

}  // namespace vector_kernels
}  // namespace
}  // namespace longscroll
