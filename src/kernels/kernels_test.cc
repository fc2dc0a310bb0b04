// Every set on this machine against the plain reference, and the reference against the definition in
// double. Bounds: a float sum of n products is within n/2 · 2^-24 (statistically far less) of exact,
// relative to the sum of magnitudes; exp adds a few ulp.
#include "kernels/kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/error.h"
#include "base/float16.h"
#include "kernels/dequantize.h"
#include "kernels/quantize.h"

namespace longscroll {
namespace {

constexpr float kUnit = 5.9604645e-8f;  // 2^-24

std::vector<float> random_floats(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// Random bytes are valid blocks once their f16 fields are ordinary numbers.
std::vector<uint8_t> random_rows(DType type, size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(*dtype_bytes(type, count));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  const auto put_half = [&bytes, &random](size_t at) {
    const uint16_t half = float_to_f16(0.01f + 1e-4f * static_cast<float>(random() % 100));
    bytes[at] = static_cast<uint8_t>(half);
    bytes[at + 1] = static_cast<uint8_t>(half >> 8);
  };
  const DTypeInfo& info = dtype_info(type);
  for (size_t at = 0; at < bytes.size(); at += info.block_bytes) {
    switch (type) {
      case DType::kQ6_K:
        put_half(at + 208);
        break;
      case DType::kQ4_1:
      case DType::kQ5_1:
      case DType::kQ4_K:
      case DType::kQ5_K:
        put_half(at);
        put_half(at + 2);
        break;
      default:
        put_half(at);
    }
  }
  if (!bytes.empty() && can_quantize(type)) {
    const std::vector<float> values = random_floats(count, seed);
    quantize(type, values.data(), bytes.data(), count);
  }
  return bytes;
}

class KernelSetTest : public testing::TestWithParam<const KernelSet*> {
 protected:
  void SetUp() override {
    if (!set().available()) GTEST_SKIP() << "this processor lacks " << set().description;
  }
  const KernelSet& set() const { return *GetParam(); }
};

TEST_P(KernelSetTest, DequantizesEveryTypeAsTheReference) {
  for (size_t t = 0; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    const size_t count = dtype_info(type).block_elems == 1 ? 1000 : 1024;
    const std::vector<uint8_t> rows = random_rows(type, count, 7);
    std::vector<float> expected(count), found(count);
    dequantize_reference(type, rows.data(), expected.data(), count);
    set().dequantize(type, rows.data(), found.data(), count);
    for (size_t i = 0; i < count; ++i) {  // scale · q + offset may be rounded once or twice
      ASSERT_NEAR(found[i], expected[i], 4 * kUnit * (std::fabs(expected[i]) + 1.0f))
          << dtype_info(type).name << " value " << i;
    }
  }
}

void check_matmul(const KernelSet& set, DType type, size_t m, size_t n, size_t k, bool with_bias) {
  const std::vector<uint8_t> w = random_rows(type, n * k, 11);
  const std::vector<float> a = random_floats(m * (k + 3), 12), bias = random_floats(n, 13);
  std::vector<float> weights(n * k), out(m * (n + 5), -1.0f), scratch(matmul_scratch_floats(m, k));
  dequantize_reference(type, w.data(), weights.data(), n * k);
  set.matmul({.a = a.data(),
              .a_stride = k + 3,
              .m = m,
              .k = k,
              .w = w.data(),
              .w_row_bytes = *dtype_bytes(type, k),
              .w_type = type,
              .n = n,
              .bias = with_bias ? bias.data() : nullptr,
              .out = out.data(),
              .out_stride = n + 5,
              .scratch = scratch.data()});
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) {
      double sum = with_bias ? bias[j] : 0.0, magnitude = std::fabs(sum);
      for (size_t p = 0; p < k; ++p) {
        const double product = static_cast<double>(a[i * (k + 3) + p]) * weights[j * k + p];
        sum += product;
        magnitude += std::fabs(product);
      }
      ASSERT_NEAR(out[i * (n + 5) + j], sum, 32 * kUnit * magnitude)
          << dtype_info(type).name << " m=" << m << " n=" << n << " k=" << k << " at " << i << "," << j;
    }
    for (size_t j = n; j < n + 5; ++j) ASSERT_EQ(out[i * (n + 5) + j], -1.0f) << "wrote past the row";
  }
}

TEST_P(KernelSetTest, MatmulOfEveryTypeForFewAndManyRows) {
  for (size_t t = 0; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    check_matmul(set(), type, 1, 37, 768, false);
    check_matmul(set(), type, 3, 5, 256, true);
    check_matmul(set(), type, 29, 150, 768, true);
  }
}

TEST_P(KernelSetTest, MatmulOfWidthsThatFitNoVector) {
  check_matmul(set(), DType::kF32, 1, 3, 45, true);
  check_matmul(set(), DType::kF32, 13, 33, 517, false);
  check_matmul(set(), DType::kBF16, 5, 1, 7, true);
}

struct AttentionCase {
  size_t m, first, dim, window;
  DType type;
};

void check_attention(const KernelSet& set, const AttentionCase& c) {
  const size_t keys = c.first + c.m, stride = c.dim + 8;
  const std::vector<float> q = random_floats(c.m * c.dim, 21);
  std::vector<float> k = random_floats(keys * stride, 22), v = random_floats(keys * stride, 23);
  std::vector<uint16_t> k16(k.size()), v16(v.size());
  for (size_t i = 0; i < k.size(); ++i) {
    k16[i] = float_to_f16(k[i]);
    v16[i] = float_to_f16(v[i]);
    if (c.type == DType::kF16) {
      k[i] = f16_to_float(k16[i]);
      v[i] = f16_to_float(v16[i]);
    }
  }
  const bool half = c.type == DType::kF16;
  std::vector<float> out(c.m * c.dim), scratch(attention_scratch_floats(c.m, c.dim));
  const float scale = 1.0f / std::sqrt(static_cast<float>(c.dim));
  set.attention({.q = q.data(),
                 .q_stride = c.dim,
                 .m = c.m,
                 .first_position = c.first,
                 .k = half ? static_cast<const void*>(k16.data()) : k.data(),
                 .v = half ? static_cast<const void*>(v16.data()) : v.data(),
                 .kv_type = c.type,
                 .kv_stride = stride,
                 .head_dim = c.dim,
                 .window = c.window,
                 .scale = scale,
                 .out = out.data(),
                 .out_stride = c.dim,
                 .scratch = scratch.data()});
  for (size_t i = 0; i < c.m; ++i) {
    const size_t last = c.first + i, begin = c.window && last + 1 > c.window ? last + 1 - c.window : 0;
    std::vector<double> weights, expected(c.dim);
    double sum = 0;
    for (size_t t = begin; t <= last; ++t) {
      double score = 0;
      for (size_t h = 0; h < c.dim; ++h) score += static_cast<double>(q[i * c.dim + h]) * k[t * stride + h];
      weights.push_back(std::exp(score * scale));
      sum += weights.back();
    }
    for (size_t t = begin; t <= last; ++t) {
      for (size_t h = 0; h < c.dim; ++h) expected[h] += weights[t - begin] / sum * v[t * stride + h];
    }
    for (size_t h = 0; h < c.dim; ++h) ASSERT_NEAR(out[i * c.dim + h], expected[h], 3e-6) << i << " " << h;
  }
}

TEST_P(KernelSetTest, AttentionIsCausalSoftmaxOverTheCache) {
  for (const DType type : {DType::kF32, DType::kF16}) {
    check_attention(set(), {1, 0, 64, 0, type});
    check_attention(set(), {1, 700, 64, 0, type});
    check_attention(set(), {3, 10, 16, 0, type});
    check_attention(set(), {70, 0, 64, 0, type});
    check_attention(set(), {40, 500, 128, 0, type});
    check_attention(set(), {17, 90, 16, 0, type});
    check_attention(set(), {30, 33, 80, 0, type});
    check_attention(set(), {6, 300, 256, 0, type});
  }
}

TEST_P(KernelSetTest, AttentionSeesOnlyItsWindow) {
  check_attention(set(), {1, 700, 64, 100, DType::kF16});
  check_attention(set(), {60, 0, 64, 16, DType::kF32});
  check_attention(set(), {60, 600, 32, 300, DType::kF32});
}

TEST_P(KernelSetTest, ElementwiseFunctionsFollowTheirFormulas) {
  const size_t count = 101;
  std::vector<float> x = random_floats(count, 31), y = random_floats(count, 32);
  for (size_t i = 0; i < count; ++i) x[i] *= 6.0f;
  x[0] = 90.0f;
  x[1] = -90.0f;
  std::vector<float> silu = x, gelu = x, sum = x, norm(count);
  set().silu_mul(silu.data(), y.data(), count);
  set().gelu_tanh_mul(gelu.data(), y.data(), count);
  set().add(sum.data(), y.data(), count);
  set().rms_norm(x.data(), y.data(), 1e-5f, count, norm.data());
  double squares = 0;
  for (float value : x) squares += static_cast<double>(value) * value;
  for (size_t i = 0; i < count; ++i) {
    const double v = x[i], u = y[i];
    const double inner = std::sqrt(2.0 / M_PI) * (v + 0.044715 * v * v * v);
    EXPECT_NEAR(silu[i], v / (1 + std::exp(-v)) * u, 8 * kUnit * std::fabs(v * u)) << v;
    EXPECT_NEAR(gelu[i], 0.5 * v * (1 + std::tanh(inner)) * u, 40 * kUnit * (std::fabs(v * u) + 1)) << v;
    EXPECT_EQ(sum[i], x[i] + y[i]);
    const double expected = v / std::sqrt(squares / count + 1e-5) * u;
    EXPECT_NEAR(norm[i], expected, 16 * kUnit * std::fabs(expected));
  }
  EXPECT_EQ(set().max(x.data(), count), *std::max_element(x.begin(), x.end()));
}

TEST_P(KernelSetTest, RopeRotatesPairs) {
  const std::vector<float> cosines = {0.5f, -0.25f}, sines = {0.75f, 1.0f};
  std::vector<float> half = {1, 2, 3, 4, 9}, pairs = half;
  set().rope_half_split(half.data(), cosines.data(), sines.data(), 4);
  set().rope_interleaved(pairs.data(), cosines.data(), sines.data(), 4);
  EXPECT_THAT(half, testing::ElementsAre(0.5f - 2.25f, -0.5f - 4.0f, 1.5f + 0.75f, -1.0f + 2.0f, 9));
  EXPECT_THAT(pairs, testing::ElementsAre(0.5f - 1.5f, 1.0f + 0.75f, -0.75f - 4.0f, -1.0f + 3.0f, 9));
}

TEST_P(KernelSetTest, NarrowsToHalfAsTheReference) {
  std::vector<float> x = random_floats(77, 41);
  x[3] = 1e6f;
  x[4] = 3e-6f;
  std::vector<uint16_t> found(x.size());
  set().float_to_f16(x.data(), found.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(found[i], float_to_f16(x[i])) << x[i];
}

INSTANTIATE_TEST_SUITE_P(Sets, KernelSetTest,
                         testing::ValuesIn(all_kernel_sets().begin(), all_kernel_sets().end()),
                         [](const auto& tested) { return std::string(tested.param->name); });

TEST(KernelDispatch, AnUnknownSetIsNamedWithTheChoices) {
  try {
    kernel_set("sse9");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("sse9"), testing::HasSubstr("portable")));
  }
}

}  // namespace
}  // namespace longscroll
