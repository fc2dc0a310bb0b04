#include "kernels/packed.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/float16.h"

namespace longscroll {
namespace {

constexpr size_t kSuperGroups = 8;

uint16_t load_u16(const uint8_t* p) {
  uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

float half_at(const uint8_t* p, size_t lane) {
  return f16_to_float(load_u16(p + 2 * lane));
}

void nibble_codes(const uint8_t* nibbles, uint32_t fifth_bits, uint8_t* codes) {
  for (size_t j = 0; j < 16; ++j) {
    codes[j] = static_cast<uint8_t>((nibbles[j] & 15u) | (fifth_bits >> j & 1u) << 4);
    codes[j + 16] = static_cast<uint8_t>((nibbles[j] >> 4) | (fifth_bits >> (j + 16) & 1u) << 4);
  }
}

void k45_codes(const uint8_t* block, bool five_bits, size_t group, uint8_t* codes) {
  const uint8_t* fifth = block + 16;
  const uint8_t* bytes = block + 16 + (five_bits ? 32 : 0) + group / 2 * 32;
  for (size_t j = 0; j < kGroup; ++j) {
    const uint32_t low = group % 2 == 0 ? bytes[j] & 15u : bytes[j] >> 4;
    codes[j] = static_cast<uint8_t>(low | (five_bits ? (fifth[j] >> group & 1u) << 4 : 0u));
  }
}

void q6_k_codes(const uint8_t* block, size_t group, uint8_t* codes) {
  const size_t half = group / 4, part = group % 4;
  const uint8_t* low = block + half * 64 + part % 2 * 32;
  const uint8_t* high = block + 128 + half * 32;
  for (size_t j = 0; j < kGroup; ++j) {
    const uint32_t nibble = part < 2 ? low[j] & 15u : low[j] >> 4;
    codes[j] = static_cast<uint8_t>(nibble | (high[j] >> (2 * part) & 3u) << 4);
  }
}

// Codes as the packed format counts them: never negative. `group` counts within the stored block.
void stored_codes(DType type, const uint8_t* block, size_t group, uint8_t* codes) {
  uint32_t fifth_bits = 0;
  switch (type) {
    case DType::kQ4_0:
      return nibble_codes(block + 2, 0, codes);
    case DType::kQ4_1:
      return nibble_codes(block + 4, 0, codes);
    case DType::kQ5_0:
      std::memcpy(&fifth_bits, block + 2, sizeof fifth_bits);
      return nibble_codes(block + 6, fifth_bits, codes);
    case DType::kQ5_1:
      std::memcpy(&fifth_bits, block + 4, sizeof fifth_bits);
      return nibble_codes(block + 8, fifth_bits, codes);
    case DType::kQ8_0:
      for (size_t j = 0; j < kGroup; ++j) codes[j] = block[2 + j] ^ 0x80u;
      return;
    case DType::kQ4_K:
    case DType::kQ5_K:
      return k45_codes(block, type == DType::kQ5_K, group, codes);
    default:
      assert(type == DType::kQ6_K);
      return q6_k_codes(block, group, codes);
  }
}

// Eight 6-bit scales and minima packed into 12 bytes (Q4_K, Q5_K).
void k45_scale_min(const uint8_t* packed, size_t i, uint8_t* scale, uint8_t* minimum) {
  if (i < 4) {
    *scale = packed[i] & 63u;
    *minimum = packed[i + 4] & 63u;
  } else {
    *scale = static_cast<uint8_t>((packed[i + 4] & 15u) | packed[i - 4] >> 6 << 4);
    *minimum = static_cast<uint8_t>(packed[i + 4] >> 4 | packed[i] >> 6 << 4);
  }
}

void put_header(const PackedFormat& format, const uint8_t* block, size_t row, uint8_t* header) {
  if (format.scales == ScaleKind::kSuperScaleMin) {
    std::memcpy(header + 2 * row, block, 2);
    std::memcpy(header + 32 + 2 * row, block + 2, 2);
  } else if (format.scales == ScaleKind::kSuperScale) {
    std::memcpy(header + 2 * row, block + 208, 2);  // Q6_K's scale comes last
  }
}

void put_scales(const PackedFormat& format, const uint8_t* block, size_t group, size_t row, uint8_t* scales) {
  switch (format.scales) {
    case ScaleKind::kScale:
      std::memcpy(scales + 2 * row, block, 2);
      break;
    case ScaleKind::kScaleMin:
      std::memcpy(scales + 2 * row, block, 2);
      std::memcpy(scales + 32 + 2 * row, block + 2, 2);
      break;
    case ScaleKind::kSuperScaleMin:
      k45_scale_min(block + 4, group, scales + row, scales + 16 + row);
      break;
    case ScaleKind::kSuperScale:
      scales[row] = block[192 + 2 * group];
      scales[16 + row] = block[192 + 2 * group + 1];
      break;
  }
}

void put_codes(const PackedFormat& format, const uint8_t* codes, size_t row, uint8_t* out) {
  if (format.bits == 8) {
    for (size_t step = 0; step < kSteps; ++step) std::memcpy(out + step * 64 + row * 4, codes + 4 * step, 4);
    return;
  }
  for (size_t step = 0; step < kSteps / 2; ++step) {
    for (size_t i = 0; i < 4; ++i) {
      const size_t j = 4 * step + i;
      out[step * 64 + row * 4 + i] =
          static_cast<uint8_t>((codes[j] & 15u) | (codes[j + kGroup / 2] & 15u) << 4);
    }
  }
  for (int bit = 4; bit < format.bits; ++bit) {
    uint8_t* plane = out + 256 + (bit - 4) * 64;
    for (size_t j = 0; j < kGroup; ++j) {
      const size_t position = row * 4 + j % 4;
      plane[j / 4 * 8 + position / 8] |= static_cast<uint8_t>((codes[j] >> bit & 1u) << (position % 8));
    }
  }
}

int code_at(const PackedFormat& format, const uint8_t* codes, size_t row, size_t j) {
  if (format.bits == 8) return codes[j / 4 * 64 + row * 4 + j % 4];
  const uint8_t byte = codes[j % 16 / 4 * 64 + row * 4 + j % 4];
  int code = j < 16 ? byte & 15 : byte >> 4;
  for (int bit = 4; bit < format.bits; ++bit) {
    const size_t position = row * 4 + j % 4;
    code |= (codes[256 + (bit - 4) * 64 + static_cast<int>(j / 4 * 8 + position / 8)] >> (position % 8) & 1)
            << bit;
  }
  return code;
}

struct ScaleAndMinimum {
  float scale, minimum;
};

ScaleAndMinimum scale_at(const PackedFormat& format, const uint8_t* header, const uint8_t* scales, size_t row,
                         size_t j) {
  switch (format.scales) {
    case ScaleKind::kScale:
      return {half_at(scales, row), 0.0f};
    case ScaleKind::kScaleMin:
      return {half_at(scales, row), half_at(scales + 32, row)};
    case ScaleKind::kSuperScaleMin:
      return {half_at(header, row) * static_cast<float>(scales[row]),
              -(half_at(header + 32, row) * static_cast<float>(scales[16 + row]))};
    case ScaleKind::kSuperScale:
      return {half_at(header, row) * static_cast<float>(static_cast<int8_t>(scales[j / 16 * 16 + row])),
              0.0f};
  }
  return {};
}

}  // namespace

std::optional<PackedFormat> packed_format(DType type, size_t cols) {
  if (cols == 0 || cols % kGroup != 0) return std::nullopt;
  switch (type) {
    case DType::kQ4_0:
      return PackedFormat{ScaleKind::kScale, 4, 8, 1};
    case DType::kQ4_1:
      return PackedFormat{ScaleKind::kScaleMin, 4, 0, 1};
    case DType::kQ5_0:
      return PackedFormat{ScaleKind::kScale, 5, 16, 1};
    case DType::kQ5_1:
      return PackedFormat{ScaleKind::kScaleMin, 5, 0, 1};
    case DType::kQ8_0:
      return PackedFormat{ScaleKind::kScale, 8, 128, 1};
    case DType::kQ4_K:
      return PackedFormat{ScaleKind::kSuperScaleMin, 4, 0, kSuperGroups};
    case DType::kQ5_K:
      return PackedFormat{ScaleKind::kSuperScaleMin, 5, 0, kSuperGroups};
    case DType::kQ6_K:
      return PackedFormat{ScaleKind::kSuperScale, 6, 32, kSuperGroups};
    default:
      return std::nullopt;
  }
}

size_t packed_panel_bytes(const PackedFormat& format, size_t cols) {
  return cols / kGroup / format.groups_per_super * format.super_bytes();
}

size_t packed_panels(size_t rows) {
  return (rows + kPanelRows - 1) / kPanelRows;
}

void pack_panel(DType type, const void* w, size_t w_row_bytes, size_t rows, size_t cols, size_t panel,
                uint8_t* out) {
  const PackedFormat format = *packed_format(type, cols);
  const size_t block_bytes = dtype_info(type).block_bytes;
  std::memset(out, 0, packed_panel_bytes(format, cols));
  const size_t count = std::min(kPanelRows, rows - panel * kPanelRows);
  for (size_t row = 0; row < count; ++row) {
    const auto* block = static_cast<const uint8_t*>(w) + (panel * kPanelRows + row) * w_row_bytes;
    uint8_t* super = out;
    for (size_t g = 0; g < cols / kGroup; g += format.groups_per_super) {
      put_header(format, block, row, super);
      for (size_t i = 0; i < format.groups_per_super; ++i) {
        uint8_t* group = super + format.header_bytes() + i * format.group_bytes();
        uint8_t codes[kGroup];
        stored_codes(type, block, i, codes);
        put_scales(format, block, i, row, group);
        put_codes(format, codes, row, group + format.scale_bytes());
      }
      super += format.super_bytes();
      block += block_bytes;
    }
  }
}

void unpack_panel(const PackedFormat& format, const uint8_t* panel, size_t cols, float* out) {
  for (size_t g = 0; g < cols / kGroup; ++g) {
    const uint8_t* header = panel + g / format.groups_per_super * format.super_bytes();
    const uint8_t* group =
        header + format.header_bytes() + g % format.groups_per_super * format.group_bytes();
    for (size_t row = 0; row < kPanelRows; ++row) {
      for (size_t j = 0; j < kGroup; ++j) {
        const ScaleAndMinimum s = scale_at(format, header, group, row, j);
        const int code = code_at(format, group + format.scale_bytes(), row, j) - format.zero;
        out[row * cols + g * kGroup + j] = s.scale * static_cast<float>(code) + s.minimum;
      }
    }
  }
}

}  // namespace longscroll
