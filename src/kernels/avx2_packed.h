// What packed weights need of AVX2, but for the product of bytes: eight weight rows a vector, two vectors a
// panel. The names are vector_packed.h's.
#pragma once

#include "kernels/avx2_floats.h"

namespace longscroll {
namespace {

struct Avx2Packed : Avx2 {
  static constexpr size_t kLanes = 8, kTilePanels = 1, kTileRows = 4;

  static I broadcast4(const int8_t* p) {
    int32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static I broadcast_int(int32_t x) { return _mm256_set1_epi32(x); }
  static I broadcast_byte(uint8_t x) { return _mm256_set1_epi8(static_cast<char>(x)); }
  static I load_codes(const uint8_t* p) { return load_words(p); }
  static void store_codes(uint8_t* p, I x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x); }
  static I add_bytes(I a, I b) { return _mm256_add_epi8(a, b); }
  static I low_nibbles(I x) { return _mm256_and_si256(x, _mm256_set1_epi8(15)); }
  static I high_nibbles(I x) { return low_nibbles(_mm256_srli_epi16(x, 4)); }
  // codes + value where the plane's bit is one.
  static I add_plane(I codes, const uint8_t* plane, uint8_t value) {
    int32_t bits;
    __builtin_memcpy(&bits, plane, sizeof bits);
    const I spread = _mm256_shuffle_epi8(_mm256_set1_epi32(bits),
                                         _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,  //
                                                          2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
    const I own = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
    const I hit = _mm256_cmpeq_epi8(_mm256_and_si256(spread, own), own);
    return _mm256_or_si256(codes, _mm256_and_si256(hit, broadcast_byte(value)));
  }

  static F half_lanes(const uint8_t* p) { return load_half(p); }
  static F byte_lanes(const uint8_t* p) { return to_float(load_bytes(p)); }
  static F signed_byte_lanes(const uint8_t* p) { return to_float(load_signed_bytes(p)); }
  static F negate(F x) { return _mm256_sub_ps(zero(), x); }

  static float largest_magnitude(const float* x) {
    const F sign = broadcast(-0.0f);
    F largest = zero();
    for (size_t i = 0; i < 32; i += 8) largest = max(largest, _mm256_andnot_ps(sign, load(x + i)));
    return reduce_max(largest);
  }
  static void round_group(const float* x, float inverse, int8_t* codes, int32_t* half_sums) {
    for (size_t half = 0; half < 2; ++half, x += 16, codes += 16) {
      const I low = rounded(mul(load(x), broadcast(inverse)));
      const I high = rounded(mul(load(x + 8), broadcast(inverse)));
      const I sums = _mm256_add_epi32(low, high);
      __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
      four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
      half_sums[half] = _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
      // Packing works on halves of a vector: the order is put right between the two steps.
      const I words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(codes),
                       _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    }
  }
};

}  // namespace
}  // namespace longscroll
