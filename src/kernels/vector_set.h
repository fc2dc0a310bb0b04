// A whole kernel set from an instruction set: element-wise functions, and the table.
#pragma once

#include <cmath>

#include "kernels/sets.h"
#include "kernels/vector_attention.h"
#include "kernels/vector_packed.h"
#include "kernels/vector_roof.h"
#include "kernels/vector_rows.h"

namespace longscroll {
namespace {
namespace vector_kernels {

template <class V>
void rms_norm(const float* x, const float* weight, float eps, size_t count, float* out) {
  auto squares = V::zero();
  size_t i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth) squares = V::fma(V::load(x + i), V::load(x + i), squares);
  float sum = V::reduce_add(squares);
  for (; i < count; ++i) sum += x[i] * x[i];
  const float scale = 1.0f / std::sqrt(sum / static_cast<float>(count) + eps);
  for (i = 0; i + V::kWidth <= count; i += V::kWidth) {
    V::store(out + i, V::mul(V::mul(V::load(x + i), V::broadcast(scale)), V::load(weight + i)));
  }
  for (; i < count; ++i) out[i] = x[i] * scale * weight[i];
}

// gate = gate / (1 + exp(-slope(gate))) · up; the end of a row goes through a padded copy.
template <class V, class Slope>
void gated(float* gate, const float* up, size_t count, Slope slope) {
  const auto step = [&slope](float* g, const float* u) {
    const auto x = V::load(g);
    const auto e = V::exp(V::sub_float(V::zero(), slope(x)));
    V::store(g, V::mul(V::div(x, V::add(V::broadcast(1.0f), e)), V::load(u)));
  };
  size_t i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth) step(gate + i, up + i);
  if (i == count) return;
  float g[V::kWidth] = {}, u[V::kWidth] = {};
  std::copy(gate + i, gate + count, g);
  std::copy(up + i, up + count, u);
  step(g, u);
  std::copy_n(g, count - i, gate + i);
}

template <class V>
void silu_mul(float* gate, const float* up, size_t count) {
  gated<V>(gate, up, count, [](typename V::F x) { return x; });
}

template <class V>
void gelu_tanh_mul(float* gate, const float* up, size_t count) {
  gated<V>(gate, up, count, [](typename V::F x) {
    const auto cubic = V::fma(V::mul(V::broadcast(0.044715f), V::mul(x, x)), x, x);
    return V::mul(V::broadcast(2.0f * kSqrt2OverPi), cubic);
  });
}

template <class V>
void add(float* x, const float* y, size_t count) {
  size_t i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth) V::store(x + i, V::add(V::load(x + i), V::load(y + i)));
  for (; i < count; ++i) x[i] += y[i];
}

// D: the instruction set of packed weights, with all that the floats need.
template <class D>
constexpr KernelSet make_set(std::string_view name, std::string_view description, bool (*available)()) {
  return {
      .name = name,
      .description = description,
      .available = available,
      .dequantize = dequantize<D>,
      .matmul = matmul<D>,
      .quantize_rows = quantize_rows<D>,
      .quantize_rest = quantize_rest<D>,
      .matmul_packed = matmul_packed<D>,
      .attention = attention<D>,
      .store_key = store_key<D>,
      .store_value = store_value<D>,
      .hadamard = hadamard<D>,
      .rms_norm = rms_norm<D>,
      .silu_mul = silu_mul<D>,
      .gelu_tanh_mul = gelu_tanh_mul<D>,
      .add = add<D>,
      .rope_half_split = rope_half_split<D>,
      .rope_interleaved = rope_interleaved<D>,
      .roof_floats = roof_floats<D>,
      .roof_bytes = roof_bytes<D>,
      .roof_bf16 = nullptr,
      .read_through = read_through<D>,
  };
}

}  // namespace vector_kernels
}  // namespace
}  // namespace longscroll
