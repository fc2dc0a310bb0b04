// Sixteen floats a vector, for the sets that have AVX-512 F, BW, DQ and VL. In an unnamed namespace, since
// each set compiles it with its own flags: the linker must not take one set's code for another's.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace longscroll {
namespace {

struct Avx512 {
  using F = __m512;
  using I = __m512i;
  static constexpr size_t kWidth = 16, kPanel = 32, kRows = 12;

  static F zero() { return _mm512_setzero_ps(); }
  static F broadcast(float x) { return _mm512_set1_ps(x); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub_float(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static float reduce_add(F x) { return _mm512_reduce_add_ps(x); }
  static float reduce_max(F x) { return _mm512_reduce_max_ps(x); }

  static I load_bytes(const uint8_t* p) { return _mm512_cvtepu8_epi32(bytes(p)); }
  static I load_signed_bytes(const uint8_t* p) { return _mm512_cvtepi8_epi32(bytes(p)); }
  static I load_words(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static I and_bits(I x, int bits) { return _mm512_and_si512(x, _mm512_set1_epi32(bits)); }
  static I or_bits(I a, I b) { return _mm512_or_si512(a, b); }
  static I flip_bits(I x, uint32_t bits) {
    return _mm512_xor_si512(x, _mm512_set1_epi32(static_cast<int>(bits)));
  }
  static I add_ints(I a, I b) { return _mm512_add_epi32(a, b); }
  static I clamp(I x, int low, int high) {
    return _mm512_max_epi32(_mm512_min_epi32(x, _mm512_set1_epi32(high)), _mm512_set1_epi32(low));
  }
  static I sub(I a, int b) { return _mm512_sub_epi32(a, _mm512_set1_epi32(b)); }
  template <unsigned kCount>
  static I shift_right(I x) {
    return _mm512_srli_epi32(x, kCount);
  }
  template <unsigned kCount>
  static I shift_left(I x) {
    return _mm512_slli_epi32(x, kCount);
  }
  template <unsigned kCount>
  static I shift_right_signed(I x) {
    return _mm512_srai_epi32(x, kCount);
  }
  static I shift_right_by(I x, int count) { return _mm512_srl_epi32(x, _mm_cvtsi32_si128(count)); }
  // x with `bit` set in each lane whose bit in `lanes` is one.
  static I set_bit_where(I x, uint32_t lanes, int bit) {
    return _mm512_mask_or_epi32(x, static_cast<__mmask16>(lanes), x, _mm512_set1_epi32(bit));
  }
  static F to_float(I x) { return _mm512_cvtepi32_ps(x); }
  static I rounded(F x) { return _mm512_cvtps_epi32(x); }
  static void store_low_bytes(uint8_t* p, I x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(x));
  }

  static F load_half(const uint8_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static F load_bfloat(const uint8_t* p) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  static void store_half(uint16_t* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
  static float half_to_float(uint16_t half) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half))); }
  static uint16_t float_to_half(float x) {
    return static_cast<uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT)));
  }

  // 2^n · polynomial of the rest, Taylor to degree 7: error under 1e-8 before rounding. Below the
  // smallest normal float the result is 0, so a masked score weighs nothing.
  static F exp(F x) {
    const __mmask16 normal = _mm512_cmp_ps_mask(x, broadcast(-87.3f), _CMP_GE_OQ);
    const F bounded = _mm512_min_ps(x, broadcast(88.7f));
    const F n = _mm512_roundscale_ps(mul(bounded, broadcast(1.44269504f)), _MM_FROUND_TO_NEAREST_INT);
    const F high = fma(n, broadcast(-0.693359375f), bounded);
    const F r = fma(n, broadcast(2.12194440e-4f), high);
    F p = broadcast(1.0f / 5040);
    p = fma(p, r, broadcast(1.0f / 720));
    p = fma(p, r, broadcast(1.0f / 120));
    p = fma(p, r, broadcast(1.0f / 24));
    p = fma(p, r, broadcast(1.0f / 6));
    p = fma(p, r, broadcast(0.5f));
    p = fma(p, r, broadcast(1.0f));
    p = fma(p, r, broadcast(1.0f));
    return _mm512_maskz_scalef_ps(normal, p, n);
  }
  static float exp_one(float x) { return _mm512_cvtss_f32(exp(broadcast(x))); }

  // Sums and differences of lanes kApart from each other.
  template <int kApart>
  static F butterfly(F x) {
    alignas(64) static constexpr auto kTables = [] {
      struct Tables {
        int order[16];
        float sign[16];
      } t{};
      for (int i = 0; i < 16; ++i) {
        t.order[i] = i ^ kApart;
        t.sign[i] = (i & kApart) != 0 ? -1.0f : 1.0f;
      }
      return t;
    }();
    const F partner = _mm512_permutexvar_ps(_mm512_loadu_si512(kTables.order), x);
    return fma(x, load(kTables.sign), partner);
  }
  static F swap_pairs(F x) { return _mm512_permute_ps(x, 0xb1); }
  static F doubled(const float* p) {  // each of eight values twice
    const I twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
  }
  static F fma_sub_add(F a, F b, F c) { return _mm512_fmaddsub_ps(a, b, c); }  // even lanes: a b - c

  // 16 x 16; four rounds of pairwise interleaving.
  static void transpose(const float* src, size_t src_stride, float* dst, size_t dst_stride) {
    F a[16], b[16];
    for (int i = 0; i < 16; ++i) a[i] = load(src + static_cast<size_t>(i) * src_stride);
    for (int round = 0; round < 4; ++round) {  // row i meets row i + 8: after four rounds, transposed
      for (int i = 0; i < 8; ++i) {
        b[2 * i] = interleave_low(a[i], a[i + 8]);
        b[2 * i + 1] = interleave_high(a[i], a[i + 8]);
      }
      for (int i = 0; i < 16; ++i) a[i] = b[i];
    }
    for (int i = 0; i < 16; ++i) store(dst + static_cast<size_t>(i) * dst_stride, a[i]);
  }

 private:
  static __m128i bytes(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
  static F interleave_low(F a, F b) {
    const I order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    return _mm512_permutex2var_ps(a, order, b);
  }
  static F interleave_high(F a, F b) {
    const I order = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    return _mm512_permutex2var_ps(a, order, b);
  }
};

}  // namespace
}  // namespace longscroll
