// What packed weights need of AVX-512, but for the product of bytes: a panel's sixteen weight rows a vector.
// The names are vector_packed.h's.
#pragma once

#include "kernels/avx512_floats.h"

namespace longscroll {
namespace {

struct Avx512Packed : Avx512 {
  static constexpr size_t kLanes = 16, kTilePanels = 2, kTileRows = 6;

  static I broadcast4(const int8_t* p) {
    int32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
  }
  static I broadcast_int(int32_t x) { return _mm512_set1_epi32(x); }
  static I broadcast_byte(uint8_t x) { return _mm512_set1_epi8(static_cast<char>(x)); }
  static I load_codes(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static void store_codes(uint8_t* p, I x) { _mm512_storeu_si512(p, x); }
  static I add_bytes(I a, I b) { return _mm512_add_epi8(a, b); }
  static I low_nibbles(I x) { return _mm512_and_si512(x, _mm512_set1_epi8(15)); }
  static I high_nibbles(I x) { return low_nibbles(_mm512_srli_epi16(x, 4)); }
  // codes + value where the plane's bit is one.
  static I add_plane(I codes, const uint8_t* plane, uint8_t value) {
    uint64_t bits;
    __builtin_memcpy(&bits, plane, sizeof bits);
    return _mm512_mask_add_epi8(codes, bits, codes, broadcast_byte(value));
  }

  static F half_lanes(const uint8_t* p) { return load_half(p); }
  static F byte_lanes(const uint8_t* p) { return to_float(load_bytes(p)); }
  static F signed_byte_lanes(const uint8_t* p) { return to_float(load_signed_bytes(p)); }
  static F negate(F x) { return _mm512_sub_ps(zero(), x); }

  static float largest_magnitude(const float* x) {
    return reduce_max(max(_mm512_abs_ps(load(x)), _mm512_abs_ps(load(x + 16))));
  }
  static void round_group(const float* x, float inverse, int8_t* codes, int32_t* half_sums) {
    for (size_t half = 0; half < 2; ++half) {
      const I rounded = _mm512_cvtps_epi32(mul(load(x + 16 * half), broadcast(inverse)));
      half_sums[half] = _mm512_reduce_add_epi32(rounded);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + 16 * half), _mm512_cvtsepi32_epi8(rounded));
    }
  }
};

}  // namespace
}  // namespace longscroll
