// Pages of the KV cache: the keys and values of 64 positions of one KV head, as the kernels read them.
//
// Letters: H = head dimension, P = 64 positions of a page.
//
//   keys     floats: [P][H]. q8: [P/16][H/4][16][4] codes + 128, so that one vector holds four dimensions of
//            16 keys. q4: [P/16][H/8][16][4] bytes, low half dimension 4·step + i, high half H/2 further.
//   scales   f32 [P], only for q8 and q4
//   center   f32 [H], only for q8 and q4 keys of a model that adds a bias to them: the part that all keys of
//            the page share, taken off before they are rounded
//   values   floats: [P][H]. q8: [P][H] codes. q4: [P][H/32][16] bytes, low half dimension i, high half i
//   + 16. scales   f32 [P], only for q8 and q4
//
// value = scale · code, or scale · (code - 8) for q4, plus the center for keys. A position's bytes depend on
// that position and the page's center alone; whoever begins a page writes its center.
// docs/formats/kv-pages.md draws it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace longscroll {

inline constexpr size_t kPageKeys = 64;
inline constexpr size_t kMaxHeadDim = 256;  // what the attention kernels have room for

enum class KvCode : uint8_t { kF32, kF16, kBF16, kQ8, kQ4 };

struct KvFormat {
  KvCode key = KvCode::kF16;
  KvCode value = KvCode::kF16;
  size_t head_dim = 0;
  bool centered = false;

  bool quantized() const { return key >= KvCode::kQ8 || value >= KvCode::kQ8; }
  // Quantised keys need H in whole vectors of dimensions.
  bool supported() const { return !quantized() || head_dim % 32 == 0; }

  size_t key_scales() const { return code_bytes(key); }  // offsets within a head's page
  size_t center() const { return key_scales() + scale_bytes(key); }
  size_t values() const { return center() + (centered ? head_dim * sizeof(float) : 0); }
  size_t value_scales() const { return values() + code_bytes(value); }
  size_t bytes() const { return value_scales() + scale_bytes(value); }  // of one head's page
  bool operator==(const KvFormat&) const = default;

 private:
  size_t code_bytes(KvCode code) const {
    const size_t elements = kPageKeys * head_dim;
    switch (code) {
      case KvCode::kF32:
        return elements * 4;
      case KvCode::kQ8:
        return elements;
      case KvCode::kQ4:
        return elements / 2;
      default:
        return elements * 2;
    }
  }
  static size_t scale_bytes(KvCode code) { return code >= KvCode::kQ8 ? kPageKeys * sizeof(float) : 0; }
};

// Position `slot` of a page from and to floats: the layout's definition, and what the portable kernels use.
void store_key_reference(const KvFormat& format, const float* x, size_t slot, uint8_t* page);
void store_value_reference(const KvFormat& format, const float* x, size_t slot, uint8_t* page);
void load_key_reference(const KvFormat& format, const uint8_t* page, size_t slot, float* x);
void load_value_reference(const KvFormat& format, const uint8_t* page, size_t slot, float* x);

}  // namespace longscroll
