#include "kernels/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/dequantize.h"

namespace longscroll {
namespace {

std::vector<float> there_and_back(DType type, const std::vector<float>& values) {
  std::vector<unsigned char> bytes(*dtype_bytes(type, values.size()));
  std::vector<float> back(values.size());
  quantize(type, values.data(), bytes.data(), values.size());
  dequantize_reference(type, bytes.data(), back.data(), values.size());
  return back;
}

std::vector<float> wave(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = std::sin(static_cast<float>(i)) * static_cast<float>(i % 7);
  return values;
}

TEST(Quantize, EachValueIsWithinHalfAStep) {
  const std::vector<float> values = wave(256);
  const std::vector<float> q8 = there_and_back(DType::kQ8_0, values),
                           q4 = there_and_back(DType::kQ4_0, values);
  for (size_t i = 0; i < values.size(); ++i) {
    float largest = 0;
    for (size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j)
      largest = std::fmax(largest, std::fabs(values[j]));
    // the scale itself is rounded to f16 (2^-11 relative); q4_0 cuts off at +7 of -8…7
    EXPECT_NEAR(q8[i], values[i], largest / 127 * 0.5f + largest * 0.0005f);
    EXPECT_NEAR(q4[i], values[i], largest / 8 + largest * 0.0005f);
  }
}

TEST(Quantize, FloatsStayAsTheyAreAndZerosStayZero) {
  EXPECT_EQ(there_and_back(DType::kF32, wave(5)), wave(5));
  const std::vector<float> zeros(32, 0.0f);
  EXPECT_EQ(there_and_back(DType::kQ8_0, zeros), zeros);
  EXPECT_EQ(there_and_back(DType::kQ4_0, zeros), zeros);
}

TEST(Quantize, OnlyTheFormatsThatWeWriteAreOffered) {
  EXPECT_TRUE(can_quantize(DType::kQ4_0));
  EXPECT_FALSE(can_quantize(DType::kQ4_K));
}

}  // namespace
}  // namespace longscroll
