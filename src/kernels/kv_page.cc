#include "kernels/kv_page.h"

#include <cmath>
#include <cstring>

#include "base/float16.h"
#include "kernels/vector_sizes.h"

namespace longscroll {
namespace {

// The value of largest magnitude; of two, the positive one.
float extreme_of(const float* x, size_t count) {
  float most = 0.0f, least = 0.0f;
  for (size_t i = 0; i < count; ++i) {
    most = std::fmax(most, x[i]);
    least = std::fmin(least, x[i]);
  }
  return most >= -least ? most : least;
}

void put_float(uint8_t* floats, size_t i, float value) {
  std::memcpy(floats + i * sizeof value, &value, sizeof value);
}

float float_at(const uint8_t* floats, size_t i) {
  float value;
  std::memcpy(&value, floats + i * sizeof value, sizeof value);
  return value;
}

void store_floats(KvCode code, const float* x, size_t count, uint8_t* row) {
  if (code == KvCode::kF32) {
    std::memcpy(row, x, count * sizeof(float));
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    const uint16_t bits = code == KvCode::kF16 ? float_to_f16(x[i]) : float_to_bf16(x[i]);
    std::memcpy(row + 2 * i, &bits, sizeof bits);
  }
}

void load_floats(KvCode code, const uint8_t* row, size_t count, float* x) {
  if (code == KvCode::kF32) {
    std::memcpy(x, row, count * sizeof(float));
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, row + 2 * i, sizeof bits);
    x[i] = code == KvCode::kF16 ? f16_to_float(bits) : bf16_to_float(bits);
  }
}

size_t float_row_bytes(KvCode code, size_t head_dim) {
  return head_dim * (code == KvCode::kF32 ? 4 : 2);
}

// Scale and signed codes of a position; ties go to the even code, as vector conversions round.
struct Rounding {
  float scale, inverse;
  int low, high;

  Rounding(KvCode code, const float* x, size_t count) {
    const float extreme = extreme_of(x, count);
    const bool q4 = code == KvCode::kQ4;
    scale = q4 ? extreme / -8.0f : std::fabs(extreme) / 127.0f;  // q4: the side with more room holds it
    inverse = std::fabs(scale) > kTiniestScale ? 1.0f / scale : 0.0f;
    low = q4 ? -8 : -127;
    high = q4 ? 7 : 127;
  }
  int operator()(float x) const {
    const float code = std::nearbyint(x * inverse);
    if (!(code > static_cast<float>(low))) return low;  // also what is not a number
    return code < static_cast<float>(high) ? static_cast<int>(code) : high;
  }
};

// The byte of a key's dimension: [16-key group][step][key][i].
size_t key_byte(size_t steps, size_t slot, size_t step, size_t i) {
  return ((slot / 16 * steps + step) * 16 + slot % 16) * 4 + i;
}

// The byte of a 4-bit value's dimension.
size_t value_nibble(size_t head_dim, size_t slot, size_t h) {
  return slot * head_dim / 2 + h / 32 * 16 + h % 16;
}

void put_nibble(uint8_t* byte, bool high, int code) {
  const int nibble = code + 8;
  *byte = static_cast<uint8_t>(high ? (*byte & 15) | nibble << 4 : (*byte & 0xf0) | nibble);
}

int nibble_of(uint8_t byte, bool high) {
  return (high ? byte >> 4 : byte & 15) - 8;
}

}  // namespace

void store_key_reference(const KvFormat& format, const float* x, size_t slot, uint8_t* page) {
  const size_t dim = format.head_dim;
  if (format.key < KvCode::kQ8) {
    return store_floats(format.key, x, dim, page + slot * float_row_bytes(format.key, dim));
  }
  float rest[kMaxHeadDim];
  for (size_t h = 0; h < dim; ++h)
    rest[h] = x[h] - (format.centered ? float_at(page + format.center(), h) : 0.0f);
  const Rounding round(format.key, rest, dim);
  put_float(page + format.key_scales(), slot, round.scale);
  for (size_t h = 0; h < dim; ++h) {
    if (format.key == KvCode::kQ8) {
      page[key_byte(dim / 4, slot, h / 4, h % 4)] = static_cast<uint8_t>(round(rest[h]) + 128);
    } else {
      const size_t low = h % (dim / 2);
      put_nibble(page + key_byte(dim / 8, slot, low / 4, low % 4), h >= dim / 2, round(rest[h]));
    }
  }
}

void store_value_reference(const KvFormat& format, const float* x, size_t slot, uint8_t* page) {
  const size_t dim = format.head_dim;
  uint8_t* values = page + format.values();
  if (format.value < KvCode::kQ8) {
    return store_floats(format.value, x, dim, values + slot * float_row_bytes(format.value, dim));
  }
  const Rounding round(format.value, x, dim);
  put_float(page + format.value_scales(), slot, round.scale);
  for (size_t h = 0; h < dim; ++h) {
    if (format.value == KvCode::kQ8) {
      values[slot * dim + h] = static_cast<uint8_t>(static_cast<int8_t>(round(x[h])));
    } else {
      put_nibble(values + value_nibble(dim, slot, h), h % 32 >= 16, round(x[h]));
    }
  }
}

void load_key_reference(const KvFormat& format, const uint8_t* page, size_t slot, float* x) {
  const size_t dim = format.head_dim;
  if (format.key < KvCode::kQ8) {
    return load_floats(format.key, page + slot * float_row_bytes(format.key, dim), dim, x);
  }
  const float scale = float_at(page + format.key_scales(), slot);
  for (size_t h = 0; h < dim; ++h) {
    const size_t low = h % (dim / 2);
    const int code = format.key == KvCode::kQ8
                         ? page[key_byte(dim / 4, slot, h / 4, h % 4)] - 128
                         : nibble_of(page[key_byte(dim / 8, slot, low / 4, low % 4)], h >= dim / 2);
    x[h] = scale * static_cast<float>(code) + (format.centered ? float_at(page + format.center(), h) : 0.0f);
  }
}

void load_value_reference(const KvFormat& format, const uint8_t* page, size_t slot, float* x) {
  const size_t dim = format.head_dim;
  const uint8_t* values = page + format.values();
  if (format.value < KvCode::kQ8) {
    return load_floats(format.value, values + slot * float_row_bytes(format.value, dim), dim, x);
  }
  const float scale = float_at(page + format.value_scales(), slot);
  for (size_t h = 0; h < dim; ++h) {
    const int code = format.value == KvCode::kQ8
                         ? static_cast<int8_t>(values[slot * dim + h])
                         : nibble_of(values[value_nibble(dim, slot, h)], h % 32 >= 16);
    x[h] = scale * static_cast<float>(code);
  }
}

}  // namespace longscroll
