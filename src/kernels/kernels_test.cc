// Every set on this machine against the plain reference, and the reference against the definition in
// double. Bounds: a float sum of n products is within n/2 · 2^-24 (statistically far less) of exact,
// relative to the sum of magnitudes; exp adds a few ulp.
#include "kernels/kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "kernels/dequantize.h"
#include "kernels/test_rows.h"

namespace longscroll {
namespace {

constexpr float kUnit = 5.9604645e-8f;  // 2^-24

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
  check_matmul(set(), DType::kBF16, 15, 1, 7, true);
}

TEST_P(KernelSetTest, MatmulOfAFewRowsGivesTheBitsOfEachAlone) {
  const size_t n = 37, k = 768;
  for (size_t t = 0; t < kNumDTypes; ++t) {
    const auto type = static_cast<DType>(t);
    const std::vector<uint8_t> w = random_rows(type, n * k, 11);
    const std::vector<float> a = random_floats(kFewTokens * k, 12);
    std::vector<float> together(kFewTokens * n), alone(n), scratch(matmul_scratch_floats(kFewTokens, k));
    MatmulArgs args{.a = a.data(),
                    .a_stride = k,
                    .m = kFewTokens,
                    .k = k,
                    .w = w.data(),
                    .w_row_bytes = *dtype_bytes(type, k),
                    .w_type = type,
                    .n = n,
                    .out = together.data(),
                    .out_stride = n,
                    .scratch = scratch.data()};
    set().matmul(args);
    for (size_t m = 0; m < kFewTokens; ++m) {
      args.a = a.data() + m * k;
      args.m = 1;
      args.out = alone.data();
      set().matmul(args);
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(), together.data() + m * n))
          << dtype_info(type).name << " row " << m;
    }
  }
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
}

TEST_P(KernelSetTest, RopeRotatesPairs) {
  const std::vector<float> cosines = {0.5f, -0.25f}, sines = {0.75f, 1.0f};
  std::vector<float> half = {1, 2, 3, 4, 9}, pairs = half;
  set().rope_half_split(half.data(), cosines.data(), sines.data(), 4);
  set().rope_interleaved(pairs.data(), cosines.data(), sines.data(), 4);
  EXPECT_THAT(half, testing::ElementsAre(0.5f - 2.25f, -0.5f - 4.0f, 1.5f + 0.75f, -1.0f + 2.0f, 9));
  EXPECT_THAT(pairs, testing::ElementsAre(0.5f - 1.5f, 1.0f + 0.75f, -0.75f - 4.0f, -1.0f + 3.0f, 9));
}

TEST_P(KernelSetTest, RopeOfWholeVectorsRotatesAsTheReference) {
  const std::vector<float> cosines = random_floats(64, 42), sines = random_floats(64, 43);
  const std::vector<float> x = random_floats(160, 44);
  for (const auto rotate : {&KernelSet::rope_half_split, &KernelSet::rope_interleaved}) {
    std::vector<float> expected = x, found = x;
    (kernel_set("portable").*rotate)(expected.data(), cosines.data(), sines.data(), 128);
    (set().*rotate)(found.data(), cosines.data(), sines.data(), 128);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(found[i], expected[i], 8 * kUnit * 10) << i;
  }
}

TEST_P(KernelSetTest, HadamardIsItsOwnInverseAndSpreadsAnOutlier) {
  for (const size_t count : {32u, 64u, 96u, 128u, 256u, 20u}) {
    const std::vector<float> x = random_floats(count, 45);
    std::vector<float> turned = x;
    set().hadamard(turned.data(), count);
    std::vector<float> expected = x;
    kernel_set("portable").hadamard(expected.data(), count);
    for (size_t i = 0; i < count; ++i) EXPECT_NEAR(turned[i], expected[i], 16 * kUnit * 10) << count;
    set().hadamard(turned.data(), count);
    for (size_t i = 0; i < count; ++i) EXPECT_NEAR(turned[i], x[i], 32 * kUnit * 10) << count;
  }
  std::vector<float> outlier(128);
  outlier[77] = 8.0f;
  set().hadamard(outlier.data(), outlier.size());
  for (const float value : outlier) EXPECT_NEAR(std::fabs(value), 8.0f / std::sqrt(128.0f), 1e-6f);
}

TEST_P(KernelSetTest, TheRoofCountsWhatItDid) {
  for (const auto roof : {set().roof_floats, set().roof_bytes, set().roof_bf16}) {
    if (roof != nullptr) {
      EXPECT_EQ(2 * roof(1000), roof(2000));
    }
  }
  EXPECT_GE(set().roof_bytes(1000), set().roof_floats(1000));
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
