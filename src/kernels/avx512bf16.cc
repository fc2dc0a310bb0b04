// AVX-512 with VNNI and BF16: as avx512vnni.cc, with the roof of products of bf16.
#include "kernels/avx512_flash.h"
#include "kernels/avx512_vnni.h"
#include "kernels/vector_set.h"

namespace longscroll {
namespace {

// Written out as dot_bytes() is.
inline void dot_bf16(__m512& acc, __m512i a, __m512i b) {
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
}

double roof_bf16(size_t rounds) {
  volatile int32_t opaque = 0x3f003f00;  // two halves
  const __m512i x = _mm512_set1_epi32(opaque);
  __m512 sums[vector_kernels::kRoofSums];
#pragma GCC unroll 12
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  for (size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m512& sum : sums) dot_bf16(sum, x, x);
  }
  volatile float kept = 0.0f;
#pragma GCC unroll 12  // a loop would keep them all in memory
  for (const __m512& sum : sums) kept = kept + _mm512_reduce_add_ps(sum);
  return 2.0 * 32.0 * static_cast<double>(vector_kernels::kRoofSums * rounds);
}

}  // namespace

constinit const KernelSet kAvx512Bf16Kernels = [] {
  KernelSet made = vector_kernels::make_set<Avx512Vnni>("avx512bf16", "AVX-512 F, BW, DQ, VL, VNNI and BF16",
                                                        has_avx512_vnni_bf16);
  made.attention = flash::attention_over_pages;
  made.byte_queries = true;
  made.roof_bf16 = roof_bf16;
  return made;
}();

}  // namespace longscroll
