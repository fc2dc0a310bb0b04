// Eight floats a vector, for the sets that have AVX2, FMA and F16C. In an unnamed namespace, since each set
// compiles it with its own flags: the linker must not take one set's code for another's.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace longscroll {
namespace {

struct Avx2 {
  using F = __m256;
  using I = __m256i;
  static constexpr size_t kWidth = 8, kPanel = 16, kRows = 6;

  static F zero() { return _mm256_setzero_ps(); }
  static F broadcast(float x) { return _mm256_set1_ps(x); }
  static F load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub_float(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static float reduce_add(F x) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static float reduce_max(F x) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }

  static I load_bytes(const uint8_t* p) { return _mm256_cvtepu8_epi32(bytes(p)); }
  static I load_signed_bytes(const uint8_t* p) { return _mm256_cvtepi8_epi32(bytes(p)); }
  static I load_words(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static I and_bits(I x, int bits) { return _mm256_and_si256(x, _mm256_set1_epi32(bits)); }
  static I or_bits(I a, I b) { return _mm256_or_si256(a, b); }
  static I flip_bits(I x, uint32_t bits) {
    return _mm256_xor_si256(x, _mm256_set1_epi32(static_cast<int>(bits)));
  }
  static I add_ints(I a, I b) { return _mm256_add_epi32(a, b); }
  static I clamp(I x, int low, int high) {
    return _mm256_max_epi32(_mm256_min_epi32(x, _mm256_set1_epi32(high)), _mm256_set1_epi32(low));
  }
  static I sub(I a, int b) { return _mm256_sub_epi32(a, _mm256_set1_epi32(b)); }
  template <int kCount>
  static I shift_right(I x) {
    return _mm256_srli_epi32(x, kCount);
  }
  template <int kCount>
  static I shift_left(I x) {
    return _mm256_slli_epi32(x, kCount);
  }
  template <int kCount>
  static I shift_right_signed(I x) {
    return _mm256_srai_epi32(x, kCount);
  }
  static I shift_right_by(I x, int count) { return _mm256_srl_epi32(x, _mm_cvtsi32_si128(count)); }
  // x with `bit` set in each lane whose bit in `lanes` is one.
  static I set_bit_where(I x, uint32_t lanes, int bit) {
    const I own = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const I hit = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(lanes)), own), own);
    return _mm256_or_si256(x, _mm256_and_si256(hit, _mm256_set1_epi32(bit)));
  }
  static F to_float(I x) { return _mm256_cvtepi32_ps(x); }
  static I rounded(F x) { return _mm256_cvtps_epi32(x); }
  static void store_low_bytes(uint8_t* p, I x) {
    const I gathered = _mm256_shuffle_epi8(
        x, _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                            0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    _mm_storel_epi64(
        reinterpret_cast<__m128i*>(p),
        _mm_unpacklo_epi32(_mm256_castsi256_si128(gathered), _mm256_extracti128_si256(gathered, 1)));
  }

  static F load_half(const uint8_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static F load_bfloat(const uint8_t* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static void store_half(uint16_t* p, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
  static float half_to_float(uint16_t half) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half))); }
  static uint16_t float_to_half(float x) {
    return static_cast<uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT)));
  }

  // As in avx512_floats.h; the power of two is built in the exponent field.
  static F exp(F x) {
    const F normal = _mm256_cmp_ps(x, broadcast(-87.3f), _CMP_GE_OQ);
    const F bounded = _mm256_max_ps(_mm256_min_ps(x, broadcast(88.3f)), broadcast(-87.3f));
    const F n = _mm256_round_ps(mul(bounded, broadcast(1.44269504f)), _MM_FROUND_TO_NEAREST_INT);
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
    const I power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_and_ps(normal, mul(p, _mm256_castsi256_ps(power)));
  }
  static float exp_one(float x) { return _mm256_cvtss_f32(exp(broadcast(x))); }

  // Sums and differences of lanes kApart from each other.
  template <int kApart>
  static F butterfly(F x) {
    const F partner = kApart == 1   ? _mm256_permute_ps(x, 0xb1)
                      : kApart == 2 ? _mm256_permute_ps(x, 0x4e)
                                    : _mm256_permute2f128_ps(x, x, 1);
    const auto sign = [](int lane) { return (lane & kApart) != 0 ? -1.0f : 1.0f; };
    return fma(x, _mm256_setr_ps(sign(0), sign(1), sign(2), sign(3), sign(4), sign(5), sign(6), sign(7)),
               partner);
  }
  static F swap_pairs(F x) { return _mm256_permute_ps(x, 0xb1); }
  static F doubled(const float* p) {  // each of four values twice
    const I twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    return _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), twice);
  }
  static F fma_sub_add(F a, F b, F c) { return _mm256_fmaddsub_ps(a, b, c); }  // even lanes: a b - c

  // 8 x 8; three rounds of pairwise interleaving.
  static void transpose(const float* src, size_t src_stride, float* dst, size_t dst_stride) {
    F a[8], b[8];
    for (int i = 0; i < 8; ++i) a[i] = load(src + static_cast<size_t>(i) * src_stride);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) {
        const F low = _mm256_unpacklo_ps(a[i], a[i + 4]), high = _mm256_unpackhi_ps(a[i], a[i + 4]);
        b[2 * i] = _mm256_permute2f128_ps(low, high, 0x20);
        b[2 * i + 1] = _mm256_permute2f128_ps(low, high, 0x31);
      }
      for (int i = 0; i < 8; ++i) a[i] = b[i];
    }
    for (int i = 0; i < 8; ++i) store(dst + static_cast<size_t>(i) * dst_stride, a[i]);
  }

 private:
  static __m128i bytes(const uint8_t* p) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)); }
};

}  // namespace
}  // namespace longscroll
