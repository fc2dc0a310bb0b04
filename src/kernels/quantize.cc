#include "kernels/quantize.h"

#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/float16.h"

namespace longscroll {
namespace {

void store_u16(uint8_t* p, uint16_t value) {
  std::memcpy(p, &value, sizeof value);
}

void block_q8_0(const float* x, uint8_t* block) {
  float largest = 0.0f;
  for (int j = 0; j < 32; ++j) largest = std::fmax(largest, std::fabs(x[j]));
  const float scale = largest / 127.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  store_u16(block, float_to_f16(scale));
  for (int j = 0; j < 32; ++j) {
    block[2 + j] = static_cast<uint8_t>(static_cast<int8_t>(std::round(x[j] * inverse)));
  }
}

// The value of largest magnitude becomes -8, so that the sign with more room holds it.
void block_q4_0(const float* x, uint8_t* block) {
  float extreme = 0.0f;
  for (int j = 0; j < 32; ++j) {
    if (std::fabs(x[j]) > std::fabs(extreme)) extreme = x[j];
  }
  const float scale = extreme / -8.0f;
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  store_u16(block, float_to_f16(scale));
  const auto code = [inverse](float value) {
    const int q = static_cast<int>(value * inverse + 8.5f);
    return static_cast<uint8_t>(q > 15 ? 15 : q < 0 ? 0 : q);
  };
  for (int j = 0; j < 16; ++j) {
    block[2 + j] = static_cast<uint8_t>(code(x[j]) | (code(x[j + 16]) << 4));
  }
}

}  // namespace

bool can_quantize(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16 || type == DType::kQ8_0 ||
         type == DType::kQ4_0;
}

void quantize(DType type, const float* src, void* dst, size_t count) {
  assert(can_quantize(type));
  auto* out = static_cast<uint8_t*>(dst);
  const DTypeInfo& info = dtype_info(type);
  for (size_t i = 0; i < count; i += info.block_elems, out += info.block_bytes) {
    switch (type) {
      case DType::kF32:
        std::memcpy(out, src + i, sizeof(float));
        break;
      case DType::kF16:
        store_u16(out, float_to_f16(src[i]));
        break;
      case DType::kBF16:
        store_u16(out, float_to_bf16(src[i]));
        break;
      case DType::kQ8_0:
        block_q8_0(src + i, out);
        break;
      default:
        block_q4_0(src + i, out);
        break;
    }
  }
}

}  // namespace longscroll
