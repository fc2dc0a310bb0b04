#include "kernels/dequantize.h"

#include <cstdint>
#include <cstring>

#include "base/float16.h"

namespace longscroll {
namespace {

uint16_t load_u16(const uint8_t* p) {
  uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

uint32_t load_u32(const uint8_t* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

float load_half(const uint8_t* p) {
  return f16_to_float(load_u16(p));
}

// Nibbles: the low ones are values 0…15 of the block, the high ones 16…31.
void block_q4(const uint8_t* nibbles, uint32_t fifth_bits, float scale, float offset, float* out) {
  for (int j = 0; j < 16; ++j) {
    const uint32_t low = (nibbles[j] & 15u) | ((fifth_bits >> j & 1u) << 4);
    const uint32_t high = (nibbles[j] >> 4) | ((fifth_bits >> (j + 16) & 1u) << 4);
    out[j] = scale * static_cast<float>(low) + offset;
    out[j + 16] = scale * static_cast<float>(high) + offset;
  }
}

void block_q8_0(const uint8_t* block, float* out) {
  const float scale = load_half(block);
  for (int j = 0; j < 32; ++j) out[j] = scale * static_cast<float>(static_cast<int8_t>(block[2 + j]));
}

// Eight 6-bit scales and minima packed into 12 bytes (Q4_K, Q5_K).
void unpack_scale_min(const uint8_t* packed, int i, uint32_t* scale, uint32_t* minimum) {
  if (i < 4) {
    *scale = packed[i] & 63u;
    *minimum = packed[i + 4] & 63u;
  } else {
    *scale = (packed[i + 4] & 15u) | ((packed[i - 4] >> 6) << 4);
    *minimum = (packed[i + 4] >> 4) | ((packed[i] >> 6) << 4);
  }
}

// d, dmin, 12 bytes of scales, [Q5_K: 32 bytes of fifth bits], 128 bytes of nibbles.
void block_k45(const uint8_t* block, bool five_bits, float* out) {
  const float d = load_half(block), dmin = load_half(block + 2);
  const uint8_t* scales = block + 4;
  const uint8_t* fifth = block + 16;
  const uint8_t* nibbles = block + 16 + (five_bits ? 32 : 0);
  for (int group = 0; group < 8; ++group) {
    uint32_t scale, minimum;
    unpack_scale_min(scales, group, &scale, &minimum);
    const float s = d * static_cast<float>(scale), m = -(dmin * static_cast<float>(minimum));
    const uint8_t* bytes = nibbles + (group / 2) * 32;
    for (int j = 0; j < 32; ++j) {
      uint32_t q = group % 2 == 0 ? bytes[j] & 15u : bytes[j] >> 4;
      if (five_bits) q |= (fifth[j] >> group & 1u) << 4;
      out[group * 32 + j] = s * static_cast<float>(q) + m;
    }
  }
}

// 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, d.
void block_q6_k(const uint8_t* block, float* out) {
  const float d = load_half(block + 208);
  for (int half = 0; half < 2; ++half) {
    const uint8_t* low = block + half * 64;
    const uint8_t* high = block + 128 + half * 32;
    const uint8_t* scales = block + 192 + half * 8;
    for (int part = 0; part < 4; ++part) {
      for (int j = 0; j < 32; ++j) {
        const uint32_t byte = low[(part % 2) * 32 + j];
        const uint32_t nibble = part < 2 ? byte & 15u : byte >> 4;
        const int q = static_cast<int>(nibble | ((high[j] >> (2 * part) & 3u) << 4)) - 32;
        const float scale = d * static_cast<float>(static_cast<int8_t>(scales[part * 2 + j / 16]));
        out[half * 128 + part * 32 + j] = scale * static_cast<float>(q);
      }
    }
  }
}

void dequantize_block(DType type, const uint8_t* block, float* out) {
  switch (type) {
    case DType::kF32:
      std::memcpy(out, block, sizeof(float));
      break;
    case DType::kF16:
      *out = load_half(block);
      break;
    case DType::kBF16:
      *out = bf16_to_float(load_u16(block));
      break;
    case DType::kQ4_0: {
      const float d = load_half(block);
      block_q4(block + 2, 0, d, -8.0f * d, out);
      break;
    }
    case DType::kQ4_1:
      block_q4(block + 4, 0, load_half(block), load_half(block + 2), out);
      break;
    case DType::kQ5_0: {
      const float d = load_half(block);
      block_q4(block + 6, load_u32(block + 2), d, -16.0f * d, out);
      break;
    }
    case DType::kQ5_1:
      block_q4(block + 8, load_u32(block + 4), load_half(block), load_half(block + 2), out);
      break;
    case DType::kQ8_0:
      block_q8_0(block, out);
      break;
    case DType::kQ4_K:
      block_k45(block, false, out);
      break;
    case DType::kQ5_K:
      block_k45(block, true, out);
      break;
    case DType::kQ6_K:
      block_q6_k(block, out);
      break;
  }
}

}  // namespace

void dequantize_reference(DType type, const void* src, float* dst, size_t count) {
  const DTypeInfo& info = dtype_info(type);
  const auto* block = static_cast<const uint8_t*>(src);
  for (size_t i = 0; i < count; i += info.block_elems, block += info.block_bytes) {
    dequantize_block(type, block, dst + i);
  }
}

}  // namespace longscroll
