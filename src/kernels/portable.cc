// The plain reference of every kernel: standard C++, one operation after the other. What it computes is
// the definition; the other sets are tested against it.
//
// Letters as in kernels.h.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/dequantize.h"
#include "kernels/sets.h"
#include "kernels/vector_sizes.h"

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

void quantize_group(const float* x, size_t g, const QuantizedRows& to) {
  float largest = 0.0f;
  for (size_t j = 0; j < kGroup; ++j) largest = std::max(largest, std::fabs(x[j]));
  const float scale = largest / 127.0f;
  const float inverse = scale > kTiniestScale ? 1.0f / scale : 0.0f;
  int32_t halves[2] = {};
  for (size_t j = 0; j < kGroup; ++j) {
    const auto code = static_cast<int8_t>(std::nearbyint(x[j] * inverse));
    to.codes[g * kGroup + j] = code;
    halves[j / 16] += code;
  }
  to.scales[g] = scale;
  to.sums[g] = scale * static_cast<float>(halves[0] + halves[1]);
  to.biases[g] = -128 * (halves[0] + halves[1]);
  to.half_biases[2 * g] = -128 * halves[0];
  to.half_biases[2 * g + 1] = -128 * halves[1];
}

void quantize_rows(const float* x, size_t stride, size_t row, size_t m, const QuantizedRows& out) {
  for (size_t i = 0; i < m; ++i, ++row, x += stride) {
    for (size_t g = 0; g < out.cols / kGroup; ++g) quantize_group(x + g * kGroup, g, out.from(row));
  }
}

void quantize_rest(const float* x, size_t row, const uint8_t* refined, size_t rest,
                   const QuantizedRows& out) {
  const QuantizedRows whole = out.from(row), left = out.from(row + rest);
  for (size_t g = 0; g < out.cols / kGroup; ++g) {
    if (refined[g] == 0) continue;
    float remains[kGroup];
    for (size_t j = 0; j < kGroup; ++j) {
      const size_t at = g * kGroup + j;
      remains[j] = x[at] - whole.scales[g] * static_cast<float>(whole.codes[at]);
    }
    quantize_group(remains, g, left);
  }
}

void matmul_packed(const PackedMatmulArgs& args) {
  const size_t cols = args.a.cols;
  float* weights = args.scratch;
  float* row = weights + kPanelRows * cols;
  for (size_t panel = 0; panel < packed_panels(args.n); ++panel) {
    unpack_panel(args.format, args.panels + panel * packed_panel_bytes(args.format, cols), cols, weights);
    const size_t columns = std::min(kPanelRows, args.n - panel * kPanelRows);
    for (size_t m = 0; m < args.m; ++m) {
      const QuantizedRows a = args.a.from(m);
      for (size_t k = 0; k < cols; ++k) row[k] = a.scales[k / kGroup] * static_cast<float>(a.codes[k]);
      const uint8_t* refined = args.refined;
      if (refined != nullptr && args.m <= kFewTokens) refined += m * (cols / kGroup);
      for (size_t k = 0; refined != nullptr && k < cols; ++k) {
        const QuantizedRows rest = args.a.from(m + args.rest);
        if (refined[k / kGroup] != 0) row[k] += rest.scales[k / kGroup] * static_cast<float>(rest.codes[k]);
      }
      for (size_t j = 0; j < columns; ++j) {
        const size_t n = panel * kPanelRows + j;
        const float bias = args.bias != nullptr ? args.bias[n] : 0.0f;
        args.out[m * args.out_stride + n] = dot(row, weights + j * cols, cols) + bias;
      }
    }
  }
}

void attend(const AttentionArgs& args, size_t row) {
  const size_t dim = args.kv.head_dim;
  const float* q = args.query(row);
  float* out = args.output(row);
  float* room = args.scratch;
  const size_t end = std::min(args.key_end, args.position(row) + 1);
  float largest = -std::numeric_limits<float>::infinity();
  float sum = 0.0f;
  std::fill_n(out, dim, 0.0f);
  for (size_t t = std::max(args.key_begin, args.first_visible(row)); t < end; ++t) {
    load_key_reference(args.kv, args.page(t), t % kPageKeys, room);
    const float score = args.scale * dot(q, room, dim);
    if (score > largest) {  // what was summed so far was relative to the old maximum
      const float shrink = std::exp(largest - score);
      for (size_t h = 0; h < dim; ++h) out[h] *= shrink;
      sum *= shrink;
      largest = score;
    }
    const float weight = std::exp(score - largest);
    load_value_reference(args.kv, args.page(t), t % kPageKeys, room);
    for (size_t h = 0; h < dim; ++h) out[h] += weight * room[h];
    sum += weight;
  }
  if (args.largest != nullptr) {
    args.largest[row] = largest;
    args.sums[row] = sum;
    return;
  }
  for (size_t h = 0; h < dim; ++h) out[h] /= sum;
}

void attention(const AttentionArgs& args) {
  for (size_t row = 0; row < args.rows(); ++row) attend(args, row);
}

// Fast Walsh-Hadamard transform of each run of n: log2(n) rounds of sums and differences.
void hadamard(float* x, size_t count) {
  const size_t n = count & (~count + 1);
  const float scale = 1.0f / std::sqrt(static_cast<float>(n));
  for (size_t apart = 1; apart < n; apart *= 2) {
    for (size_t i = 0; i < count; i += 2 * apart) {
      for (size_t j = i; j < i + apart; ++j) {
        const float a = x[j], b = x[j + apart];
        x[j] = a + b;
        x[j + apart] = a - b;
      }
    }
  }
  for (size_t i = 0; i < count; ++i) x[i] *= scale;
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

constexpr size_t kRoofLanes = 16;

double roof_floats(size_t rounds) {
  volatile float opaque = 0.5f;
  const float a = opaque;
  float sums[kRoofLanes] = {};
  for (size_t i = 0; i < rounds; ++i) {
    for (float& sum : sums) sum = sum * a + a;
  }
  volatile float kept = 0.0f;
  for (const float sum : sums) kept = kept + sum;
  return 2.0 * static_cast<double>(kRoofLanes * rounds);
}

// Its products of bytes are products of floats.
double roof_bytes(size_t rounds) {
  return roof_floats(rounds);
}

void read_through(const float* x, size_t count) {
  volatile float kept = 0.0f;
  float sums[kRoofLanes] = {};
  for (size_t i = 0; i + kRoofLanes <= count; i += kRoofLanes) {
    for (size_t j = 0; j < kRoofLanes; ++j) sums[j] += x[i + j];
  }
  for (const float sum : sums) kept = kept + sum;
}

}  // namespace

const KernelSet& portable_kernels() {
  static const KernelSet set = {
      .name = "portable",
      .description = "any processor",
      .available = [] { return true; },
      .dequantize = dequantize_reference,
      .matmul = matmul,
      .quantize_rows = quantize_rows,
      .quantize_rest = quantize_rest,
      .matmul_packed = matmul_packed,
      .attention = attention,
      .store_key = store_key_reference,
      .store_value = store_value_reference,
      .hadamard = hadamard,
      .rms_norm = rms_norm,
      .silu_mul = silu_mul,
      .gelu_tanh_mul = gelu_tanh_mul,
      .add = add,
      .rope_half_split = rope_half_split,
      .rope_interleaved = rope_interleaved,
      .roof_floats = roof_floats,
      .roof_bytes = roof_bytes,
      .roof_bf16 = nullptr,
      .read_through = read_through,
  };
  return set;
}

}  // namespace longscroll
