// Weights as const views over mapped files (matrices) and small owned float copies (norms, biases).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/dtype.h"

namespace longscroll {

// [rows, cols], rows stored row_bytes apart. A view: the Model that owns the bytes must outlive it.
struct Matrix {
  const std::byte* data = nullptr;
  DType dtype = DType::kF32;
  size_t rows = 0;  // output width
  size_t cols = 0;  // input width
  size_t row_bytes = 0;
  bool mapped = false;  // `data` lies in a mapped file
  const uint8_t* panels =
      nullptr;  // the same values packed (kernels/packed.h), or null: multiplied as floats

  bool empty() const { return data == nullptr; }
};

// Row `row` in float32; `out` has room for cols.
void read_row(const Matrix& matrix, size_t row, std::span<float> out);

// Empty vectors and matrices mean that the architecture has no such tensor.
struct LayerWeights {
  std::vector<float> attention_norm, post_attention_norm;  // [hidden]
  std::vector<float> ffn_norm, post_ffn_norm;              // [hidden]
  Matrix query, key, value, output;
  std::vector<float> query_bias, key_bias, value_bias, output_bias;
  std::vector<float> query_norm, key_norm;  // [head_dim]
  Matrix gate, up, down;
};

// Calls body(matrix) for each matrix of a layer, in the order of its computing. Layer: const or not.
template <class Layer, class Body>
void for_each_matrix(Layer& layer, Body body) {
  for (auto* matrix :
       {&layer.query, &layer.key, &layer.value, &layer.output, &layer.gate, &layer.up, &layer.down}) {
    body(*matrix);
  }
}

struct Weights {
  Matrix embedding;  // [vocab, hidden]
  std::vector<LayerWeights> layers;
  std::vector<float> final_norm;
  Matrix head;                        // [vocab, hidden]; the embedding itself when tied
  std::vector<float> head_row_scale;  // [vocab] or empty: 1 / ||row||, for a norm head that is not baked in
};

}  // namespace longscroll
