// The plain reference of every kernel: standard C++, one operation after the other. What it computes is
// the definition; the other sets are tested against it.
//
// Letters as in kernels.h.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/float16.h"
#include "kernels/dequantize.h"
#include "kernels/sets.h"

namespace longscroll {
namespace {

// Sixteen partial sums: lets any compiler use what vectors it has, in an order that it may not choose.
float dot(const float* x, const float* y, size_t count) {
  float partial[16] = {};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (size_t j = 0; j < 16; ++j) partial[j] += x[i + j] * y[i + j];
  }
  for (size_t j = 0; i < count; ++i, ++j) partial[j] += x[i] * y[i];
  float sum = 0.0f;
  for (float part : partial) sum += part;
  return sum;
}

void matmul(const MatmulArgs& args) {
  float* row = args.scratch;
  for (size_t n = 0; n < args.n; ++n) {
    const auto* w = static_cast<const uint8_t*>(args.w) + n * args.w_row_bytes;
    dequantize_reference(args.w_type, w, row, args.k);
    const float bias = args.bias ? args.bias[n] : 0.0f;
    for (size_t m = 0; m < args.m; ++m) {
      args.out[m * args.out_stride + n] = dot(args.a + m * args.a_stride, row, args.k) + bias;
    }
  }
}

const float* cached_row(const AttentionArgs& args, const void* cache, size_t position, float* room) {
  if (args.kv_type == DType::kF32) return static_cast<const float*>(cache) + position * args.kv_stride;
  const auto* half = static_cast<const uint16_t*>(cache) + position * args.kv_stride;
  for (size_t h = 0; h < args.head_dim; ++h) room[h] = f16_to_float(half[h]);
  return room;
}

void attend(const AttentionArgs& args, size_t m) {
  const float* q = args.q + m * args.q_stride;
  float* out = args.out + m * args.out_stride;
  const size_t last = args.first_position + m;
  const size_t first = args.window != 0 && last + 1 > args.window ? last + 1 - args.window : 0;
  float largest = -std::numeric_limits<float>::infinity();
  float sum = 0.0f;
  std::fill_n(out, args.head_dim, 0.0f);
  for (size_t t = first; t <= last; ++t) {
    const float score = args.scale * dot(q, cached_row(args, args.k, t, args.scratch), args.head_dim);
    if (score > largest) {  // what was summed so far was relative to the old maximum
      const float shrink = std::exp(largest - score);
      for (size_t h = 0; h < args.head_dim; ++h) out[h] *= shrink;
      sum *= shrink;
      largest = score;
    }
    const float weight = std::exp(score - largest);
    const float* v = cached_row(args, args.v, t, args.scratch);
    for (size_t h = 0; h < args.head_dim; ++h) out[h] += weight * v[h];
    sum += weight;
  }
  for (size_t h = 0; h < args.head_dim; ++h) out[h] /= sum;
}

void attention(const AttentionArgs& args) {
  for (size_t m = 0; m < args.m; ++m) attend(args, m);
}

void rms_norm(const float* x, const float* weight, float eps, size_t count, float* out) {
  double squares = 0.0;
  for (size_t i = 0; i < count; ++i) squares += static_cast<double>(x[i]) * x[i];
  const auto scale = static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(count) + eps));
  for (size_t i = 0; i < count; ++i) out[i] = x[i] * scale * weight[i];
}

void silu_mul(float* gate, const float* up, size_t count) {
  for (size_t i = 0; i < count; ++i) gate[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

// 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3)
void gelu_tanh_mul(float* gate, const float* up, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float x = gate[i];
    const float u = kSqrt2OverPi * (x + 0.044715f * x * x * x);
    gate[i] = x / (1.0f + std::exp(-2.0f * u)) * up[i];
  }
}

void add(float* x, const float* y, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] += y[i];
}

void rope_half_split(float* head, const float* cos, const float* sin, size_t rotary_dim) {
  const size_t half = rotary_dim / 2;
  for (size_t f = 0; f < half; ++f) {
    const float a = head[f], b = head[f + half];
    head[f] = a * cos[f] - b * sin[f];
    head[f + half] = b * cos[f] + a * sin[f];
  }
}

void rope_interleaved(float* head, const float* cos, const float* sin, size_t rotary_dim) {
  for (size_t f = 0; f < rotary_dim / 2; ++f) {
    const float a = head[2 * f], b = head[2 * f + 1];
    head[2 * f] = a * cos[f] - b * sin[f];
    head[2 * f + 1] = b * cos[f] + a * sin[f];
  }
}

void narrow(const float* src, uint16_t* dst, size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] = float_to_f16(src[i]);
}

float largest_of(const float* x, size_t count) {
  float largest = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < count; ++i) largest = std::max(largest, x[i]);
  return largest;
}

}  // namespace

const KernelSet& portable_kernels() {
  static const KernelSet set = {
      .name = "portable",
      .description = "any processor",
      .available = [] { return true; },
      .dequantize = dequantize_reference,
      .matmul = matmul,
      .attention = attention,
      .rms_norm = rms_norm,
      .silu_mul = silu_mul,
      .gelu_tanh_mul = gelu_tanh_mul,
      .add = add,
      .rope_half_split = rope_half_split,
      .rope_interleaved = rope_interleaved,
      .float_to_f16 = narrow,
      .max = largest_of,
  };
  return set;
}

}  // namespace longscroll
