// Packed weights: the same values as the stored rows, and products of every set within what the rounding of
// activations to bytes explains.
#include "kernels/packed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/dequantize.h"
#include "kernels/kernels.h"
#include "kernels/test_rows.h"

namespace longscroll {
namespace {

const std::vector<DType> kBlockTypes = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                                        DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

struct PackedRows {
  PackedFormat format;
  std::vector<uint8_t> panels;
};

PackedRows pack(DType type, const std::vector<uint8_t>& rows, size_t n, size_t k) {
  PackedRows out{*packed_format(type, k), {}};
  const size_t panel_bytes = packed_panel_bytes(out.format, k);
  out.panels.resize(panel_bytes * packed_panels(n), 0xee);
  for (size_t p = 0; p < packed_panels(n); ++p)
    pack_panel(type, rows.data(), *dtype_bytes(type, k), n, k, p, out.panels.data() + p * panel_bytes);
  return out;
}

TEST(Packed, PanelsHoldEveryValueOfTheStoredRows) {
  const size_t n = 37, k = 768;
  for (const DType type : kBlockTypes) {
    const std::vector<uint8_t> rows = random_rows(type, n * k, 11);
    const PackedRows packed = pack(type, rows, n, k);
    std::vector<float> expected(n * k), panel(kPanelRows * k);
    dequantize_reference(type, rows.data(), expected.data(), n * k);
    for (size_t p = 0; p < packed_panels(n); ++p) {
      unpack_panel(packed.format, packed.panels.data() + p * packed_panel_bytes(packed.format, k), k,
                   panel.data());
      for (size_t r = 0; r < kPanelRows; ++r) {
        for (size_t j = 0; j < k; ++j) {
          const size_t row = p * kPanelRows + r;
          const float want = row < n ? expected[row * k + j] : 0.0f;
          // scale · (code - zero) against scale · code + offset: an ulp or two of the larger term
          ASSERT_NEAR(panel[r * k + j], want, 1e-6f * (std::fabs(want) + 1.0f))
              << dtype_info(type).name << row;
        }
      }
    }
  }
}

TEST(Packed, FloatsAndOddWidthsAreNotPacked) {
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16}) EXPECT_FALSE(packed_format(type, 64));
  EXPECT_FALSE(packed_format(DType::kQ8_0, 33));
  EXPECT_FALSE(packed_format(DType::kQ8_0, 0));
}

// M rows and what each left, with every third group refined: the same for every row, if there are many.
struct Activations {
  size_t m, k;
  std::vector<int8_t> codes;
  std::vector<float> scales, sums;
  std::vector<int32_t> biases, half_biases;
  std::vector<uint8_t> refined;
  QuantizedRows rows;

  Activations(size_t rows_wanted, size_t cols)
      : m(rows_wanted),
        k(cols),
        codes(2 * m * k),
        scales(2 * m * k / 32),
        sums(2 * m * k / 32),
        biases(2 * m * k / 32),
        half_biases(2 * m * k / 16),
        refined(m <= kFewTokens ? m * k / 32 : k / 32) {
    rows = {codes.data(), scales.data(), sums.data(), biases.data(), half_biases.data(), k};
    for (size_t g = 0; g < refined.size(); g += 3) refined[g] = 1;
  }
  void set(const KernelSet& kernels, const float* x, size_t stride) {
    kernels.quantize_rows(x, stride, 0, m, rows);
    for (size_t i = 0; i < m; ++i) kernels.quantize_rest(x + i * stride, i, &refined[first_flag(i)], m, rows);
  }
  double value(size_t i) const { return static_cast<double>(scales[i / 32]) * codes[i]; }
  size_t first_flag(size_t row) const { return m <= kFewTokens ? row * k / 32 : 0; }
  // What products see of row i, column p.
  double seen(size_t i, size_t p) const {
    return value(i * k + p) + (refined[first_flag(i) + p / 32] != 0 ? value((m + i) * k + p) : 0.0);
  }
};

class PackedOfSet : public testing::TestWithParam<const KernelSet*> {
 protected:
  void SetUp() override {
    if (!GetParam()->available()) GTEST_SKIP() << "this processor lacks " << GetParam()->description;
  }

  void check(DType type, size_t m, size_t n, size_t k, bool with_bias) {
    check(type, random_rows(type, n * k, 11), random_floats(m * (k + 3), 12), m, n, k, with_bias);
  }

  // Rows of x are k + 3 apart.
  void check(DType type, const std::vector<uint8_t>& w, const std::vector<float>& x, size_t m, size_t n,
             size_t k, bool with_bias) {
    const PackedRows packed = pack(type, w, n, k);
    std::vector<float> weights(n * k), out(m * (n + 5), -1.0f), scratch(packed_scratch_floats(m, k), NAN);
    dequantize_reference(type, w.data(), weights.data(), n * k);
    const std::vector<float> bias = random_floats(n, 13);
    Activations a(m, k);
    a.set(*GetParam(), x.data(), k + 3);
    PackedMatmulArgs args{a.rows,
                          a.refined.data(),
                          a.m,
                          m,
                          packed.panels.data(),
                          packed.format,
                          n,
                          with_bias ? bias.data() : nullptr,
                          out.data(),
                          n + 5,
                          scratch.data()};
    GetParam()->matmul_packed(args);
    for (size_t i = 0; i < m; ++i) {
      for (size_t j = 0; j < n; ++j) {
        double sum = with_bias ? bias[j] : 0.0, magnitude = std::fabs(sum);
        for (size_t p = 0; p < k; ++p) {
          const double act = a.seen(i, p);
          sum += act * weights[j * k + p];
          magnitude += std::fabs(act * weights[j * k + p]);
        }
        // integers are exact; the sums of groups round as floats do, offsets cancel in part
        ASSERT_NEAR(out[i * (n + 5) + j], sum, 4e-6 * (magnitude + static_cast<double>(k) * 0.02))
            << dtype_info(type).name << " m=" << m << " n=" << n << " at " << i << "," << j;
      }
      for (size_t j = n; j < n + 5; ++j) ASSERT_EQ(out[i * (n + 5) + j], -1.0f) << "wrote past the row";
    }
  }
};

TEST_P(PackedOfSet, ActivationsAreRoundedWithinHalfAStepOfTheirGroup) {
  const size_t m = 3, k = 96;
  std::vector<float> x = random_floats(m * k, 5);
  std::fill(x.begin() + 32, x.begin() + 64, 0.0f);
  x[70] = 1e4f;
  Activations a(m, k);
  GetParam()->quantize_rows(x.data(), k, 0, 1, a.rows);
  GetParam()->quantize_rows(x.data() + k, k, 1, m - 1, a.rows);
  for (size_t g = 0; g < m * k / 32; ++g) {
    int32_t halves[2] = {};
    for (size_t j = 0; j < 32; ++j) {
      halves[j / 16] += a.codes[g * 32 + j];
      EXPECT_NEAR(a.scales[g] * static_cast<float>(a.codes[g * 32 + j]), x[g * 32 + j],
                  a.scales[g] * 0.5001f);
    }
    EXPECT_EQ(a.biases[g], -128 * (halves[0] + halves[1]));
    EXPECT_EQ(a.half_biases[2 * g], -128 * halves[0]);
    EXPECT_EQ(a.half_biases[2 * g + 1], -128 * halves[1]);
    EXPECT_FLOAT_EQ(a.sums[g], a.scales[g] * static_cast<float>(halves[0] + halves[1]));
  }
}

TEST_P(PackedOfSet, ARefinedGroupHoldsItsActivationsToSixteenBits) {
  const size_t m = 3, k = 96;
  std::vector<float> x = random_floats(m * k, 5);
  x[70] = 1e4f;
  Activations a(m, k);
  a.set(*GetParam(), x.data(), k);
  for (size_t i = 0; i < m * k; ++i) {
    // Half a step of the rest, which is at most a 254th of the first's; the subtraction rounds as floats do.
    const double step = a.scales[i / 32] / (a.refined[i / 32] != 0 ? 254.0 : 1.0);
    EXPECT_NEAR(a.seen(i / k, i % k), x[i], 0.5001 * step + 1e-7 * std::fabs(x[i]));
  }
}

TEST_P(PackedOfSet, MultipliesEveryTypeForFewAndManyRows) {
  for (const DType type : kBlockTypes) {
    for (const size_t m : {1u, 2u, 3u, 5u, 8u, 9u, 29u}) check(type, m, 150, 768, m % 2 == 1);
    check(type, 1, 5, 256, true);
    check(type, 14, 16, 1024, false);
  }
}

TEST_P(PackedOfSet, NoSumOverflowsWhereEveryCodeAndActivationIsExtreme) {
  const size_t n = 32, k = 256;
  for (const DType type : kBlockTypes) {
    for (const int byte : {0x00, 0x7f, 0x80, 0xff}) {
      const std::vector<uint8_t> w = constant_rows(type, n * k, static_cast<uint8_t>(byte));
      for (const size_t m : {1u, 13u}) {
        for (const float x : {3.0f, -3.0f})
          check(type, w, std::vector<float>(m * (k + 3), x), m, n, k, false);
      }
    }
  }
}

TEST_P(PackedOfSet, AFewRowsGiveTheBitsOfEachAlone) {
  const size_t n = 150, k = 768;
  for (const DType type : kBlockTypes) {
    const PackedRows packed = pack(type, random_rows(type, n * k, 11), n, k);
    const std::vector<float> x = random_floats(kFewTokens * k, 12), bias = random_floats(n, 13);
    std::vector<float> scratch(packed_scratch_floats(kFewTokens, k), NAN), together(kFewTokens * n), alone(n);
    Activations a(kFewTokens, k);
    a.set(*GetParam(), x.data(), k);
    PackedMatmulArgs args{
        a.rows,      a.refined.data(), a.m, kFewTokens,    packed.panels.data(), packed.format, n,
        bias.data(), together.data(),  n,   scratch.data()};
    GetParam()->matmul_packed(args);
    for (size_t m = 0; m < kFewTokens; ++m) {
      PackedMatmulArgs one = args;
      one.a = a.rows.from(m);
      one.refined = &a.refined[a.first_flag(m)];
      one.m = 1;
      one.out = alone.data();
      GetParam()->matmul_packed(one);
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(), together.data() + m * n))
          << dtype_info(type).name << " row " << m;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, PackedOfSet,
                         testing::ValuesIn(all_kernel_sets().begin(), all_kernel_sets().end()),
                         [](const auto& tested) { return std::string(tested.param->name); });

}  // namespace
}  // namespace longscroll
