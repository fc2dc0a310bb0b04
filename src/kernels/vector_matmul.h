// Matrix product over an instruction set V. Few rows of activations: each stored weight row is read
// once and multiplied as it is unpacked. Many rows: weights are unpacked once a call into panels of
// V::kPanel columns, [k][panel], and multiplied by register tiles of V::kRows rows.
//
// Letters as in kernels.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/dequantize.h"
#include "kernels/kernels.h"
#include "kernels/vector_blocks.h"
#include "kernels/vector_sizes.h"

namespace longscroll {
namespace {
namespace vector_kernels {

template <class V, DType kType>
void dequantize_row(const uint8_t* src, float* dst, size_t count) {
  size_t i = 0;
  for (; i + kStepElems<kType> <= count; i += kStepElems<kType>, src += step_bytes<kType>()) {
    visit_block<V, kType>(src, i, [dst](size_t at, typename V::F value) { V::store(dst + at, value); });
  }
  if (i < count) dequantize_reference(kType, src, dst + i, count - i);
}

template <class V>
void dequantize(DType type, const void* src, float* dst, size_t count) {
  with_type(type,
            [&]<DType kType>() { dequantize_row<V, kType>(static_cast<const uint8_t*>(src), dst, count); });
}

template <class V, DType kType>
float dot_row(const uint8_t* w, const float* x, size_t k) {
  typename V::F sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  size_t i = 0;
  for (; i + kStepElems<kType> <= k; i += kStepElems<kType>, w += step_bytes<kType>()) {
    visit_block<V, kType>(w, i, [&sums, x](size_t at, typename V::F value) {
      auto& sum = sums[at / V::kWidth % 4];
      sum = V::fma(value, V::load(x + at), sum);
    });
  }
  float sum = V::reduce_add(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3])));
  if (i < k) {  // only formats without blocks have such an end
    float end[32];
    dequantize_reference(kType, w, end, k - i);
    for (size_t j = 0; i + j < k; ++j) sum += end[j] * x[i + j];
  }
  return sum;
}

// out += factor · row
template <class V, DType kType>
void add_scaled_row(const uint8_t* row, float factor, float* out, size_t count) {
  const auto f = V::broadcast(factor);
  size_t i = 0;
  for (; i + kStepElems<kType> <= count; i += kStepElems<kType>, row += step_bytes<kType>()) {
    visit_block<V, kType>(row, i, [f, out](size_t at, typename V::F value) {
      V::store(out + at, V::fma(value, f, V::load(out + at)));
    });
  }
  if (i < count) {
    float end[32];
    dequantize_reference(kType, row, end, count - i);
    for (size_t j = 0; i + j < count; ++j) out[i + j] += factor * end[j];
  }
}

template <class V>
void matmul_few_rows(const MatmulArgs& args) {
  with_type(args.w_type, [&]<DType kType>() {
    const auto* w = static_cast<const uint8_t*>(args.w);
    for (size_t n = 0; n < args.n; ++n, w += args.w_row_bytes) {
      const float bias = args.bias ? args.bias[n] : 0.0f;
      for (size_t m = 0; m < args.m; ++m) {
        args.out[m * args.out_stride + n] = dot_row<V, kType>(w, args.a + m * args.a_stride, args.k) + bias;
      }
    }
  });
}

// c[kRowCount][panel] (+)= a[kRowCount][k] · b[k][panel]; rows of a are kStride floats apart.
template <class V, size_t kRowCount, size_t kStride>
void tile(size_t k, const float* a, const float* b, bool accumulate, float* c, size_t c_stride) {
  typename V::F sums[kRowCount][2];
#pragma GCC unroll 12
  for (size_t r = 0; r < kRowCount; ++r) {
    sums[r][0] = accumulate ? V::load(c + r * c_stride) : V::zero();
    sums[r][1] = accumulate ? V::load(c + r * c_stride + V::kWidth) : V::zero();
  }
  for (size_t p = 0; p < k; ++p, ++a, b += V::kPanel) {
    const auto b0 = V::load(b), b1 = V::load(b + V::kWidth);
#pragma GCC unroll 12
    for (size_t r = 0; r < kRowCount; ++r) {
      const auto x = V::broadcast(a[r * kStride]);
      sums[r][0] = V::fma(x, b0, sums[r][0]);
      sums[r][1] = V::fma(x, b1, sums[r][1]);
    }
  }
#pragma GCC unroll 12
  for (size_t r = 0; r < kRowCount; ++r) {
    V::store(c + r * c_stride, sums[r][0]);
    V::store(c + r * c_stride + V::kWidth, sums[r][1]);
  }
}

template <class V, size_t kStride>
using TileFn = void (*)(size_t, const float*, const float*, bool, float*, size_t);

template <class V, size_t kStride>
TileFn<V, kStride> tile_of(size_t rows) {
  static constexpr auto table = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<TileFn<V, kStride>, sizeof...(I)>{&tile<V, I + 1, kStride>...};
  }(std::make_index_sequence<V::kRows>());
  return table[rows - 1];
}

// As tile(), for any number of rows up to V::kRows and any number of columns up to V::kPanel.
template <class V, size_t kStride>
void edge_tile(size_t rows, size_t columns, size_t k, const float* a, const float* b, bool accumulate,
               float* c, size_t c_stride) {
  if (columns == V::kPanel) return tile_of<V, kStride>(rows)(k, a, b, accumulate, c, c_stride);
  float room[V::kRows * V::kPanel];
  if (accumulate) {
    for (size_t r = 0; r < rows; ++r) std::copy_n(c + r * c_stride, columns, room + r * V::kPanel);
  }
  tile_of<V, kStride>(rows)(k, a, b, accumulate, room, V::kPanel);
  for (size_t r = 0; r < rows; ++r) std::copy_n(room + r * V::kPanel, columns, c + r * c_stride);
}

// panel[k][V::kPanel] = transpose of rows_count rows of `count` floats; missing rows become zero.
template <class V>
void pack_transposed(const float* rows, size_t row_stride, size_t rows_count, size_t count, float* panel) {
  if (rows_count < V::kPanel) std::fill_n(panel, count * V::kPanel, 0.0f);
  constexpr size_t kW = V::kWidth;
  for (size_t r = 0; r < rows_count; r += kW) {
    size_t i = 0;
    if (rows_count - r >= kW) {
      for (; i + kW <= count; i += kW) {
        V::transpose(rows + r * row_stride + i, row_stride, panel + i * V::kPanel + r, V::kPanel);
      }
    }
    for (; i < count; ++i) {
      for (size_t j = r; j < std::min(r + kW, rows_count); ++j) {
        panel[i * V::kPanel + j] = rows[j * row_stride + i];
      }
    }
  }
}

// Weight rows [n, n + columns) x [k0, k0 + kb) into one panel.
template <class V>
void pack_weights(const MatmulArgs& args, size_t n, size_t columns, size_t k0, size_t kb, float* rows,
                  float* panel) {
  const auto* w = static_cast<const uint8_t*>(args.w) + n * args.w_row_bytes;
  const DTypeInfo& info = dtype_info(args.w_type);
  const size_t skip = k0 / info.block_elems * info.block_bytes;
  for (size_t r = 0; r < columns; ++r) {
    dequantize<V>(args.w_type, w + r * args.w_row_bytes + skip, rows + r * kBlockK, kb);
  }
  pack_transposed<V>(rows, kBlockK, columns, kb, panel);
}

template <class V>
void matmul_many_rows(const MatmulArgs& args) {
  float* a = args.scratch;                     // [m][kStrideA]
  float* rows = a + args.m * kStrideA;         // [panel][kBlockK]
  float* panels = rows + kMaxPanel * kBlockK;  // [kPanelGroup / panel][kb][panel]
  for (size_t k0 = 0; k0 < args.k; k0 += kBlockK) {
    const size_t kb = std::min(kBlockK, args.k - k0);
    for (size_t m = 0; m < args.m; ++m) std::copy_n(args.a + m * args.a_stride + k0, kb, a + m * kStrideA);
    for (size_t n0 = 0; n0 < args.n; n0 += kPanelGroup) {
      const size_t group = std::min(kPanelGroup, args.n - n0);
      for (size_t n = 0; n < group; n += V::kPanel) {
        pack_weights<V>(args, n0 + n, std::min(V::kPanel, group - n), k0, kb, rows, panels + n * kb);
      }
      for (size_t m = 0; m < args.m; m += V::kRows) {
        const size_t tile_rows = std::min(V::kRows, args.m - m);
        for (size_t n = 0; n < group; n += V::kPanel) {
          edge_tile<V, kStrideA>(tile_rows, std::min(V::kPanel, group - n), kb, a + m * kStrideA,
                                 panels + n * kb, k0 != 0, args.out + m * args.out_stride + n0 + n,
                                 args.out_stride);
        }
      }
    }
  }
  if (args.bias == nullptr) return;
  for (size_t m = 0; m < args.m; ++m) {
    for (size_t n = 0; n < args.n; ++n) args.out[m * args.out_stride + n] += args.bias[n];
  }
}

// A few rows go by one way, whatever their number (kFewTokens): packing would save little there.
template <class V>
void matmul(const MatmulArgs& args) {
  if (args.m <= kFewTokens) {
    matmul_few_rows<V>(args);
  } else {
    matmul_many_rows<V>(args);
  }
}

}  // namespace vector_kernels
}  // namespace
}  // namespace longscroll
