// Random inputs of the kernels' tests.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "base/dtype.h"
#include "base/float16.h"
#include "kernels/quantize.h"

namespace longscroll {

inline std::vector<float> random_floats(size_t count, uint32_t seed, float size = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, size);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// Makes the f16 fields of rows of any bytes ordinary numbers: valid blocks then.
inline void put_scales(DType type, std::mt19937& random, std::vector<uint8_t>& bytes) {
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
}

// Every code the same: `byte` holds it, or two.
inline std::vector<uint8_t> constant_rows(DType type, size_t count, uint8_t byte) {
  std::mt19937 random(1);
  std::vector<uint8_t> bytes(*dtype_bytes(type, count), byte);
  put_scales(type, random, bytes);
  return bytes;
}

inline std::vector<uint8_t> random_rows(DType type, size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(*dtype_bytes(type, count));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  put_scales(type, random, bytes);
  if (!bytes.empty() && can_quantize(type)) {
    const std::vector<float> values = random_floats(count, seed);
    quantize(type, values.data(), bytes.data(), count);
  }
  return bytes;
}

}  // namespace longscroll
