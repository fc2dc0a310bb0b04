// AVX-512 with VNNI and BF16: packed weights and quantised pages by dot products of bytes and of bf16 pairs;
// the rest as in avx512.cc.
#include "kernels/avx512_flash.h"
#include "kernels/avx512_vnni.h"
#include "kernels/vector_set.h"

namespace longscroll {
namespace {

void attention(const AttentionArgs& args) {
  if (args.kv.key >= KvCode::kQ8 && args.kv.value >= KvCode::kQ8) return flash::attention(args);
  vector_kernels::attention<Avx512Vnni>(args);
}

double roof_bf16(size_t rounds) {
  volatile int32_t opaque = 0x3f003f00;  // two halves
  const __m512i x = _mm512_set1_epi32(opaque);
  __m512 sums[vector_kernels::kRoofSums];
#pragma GCC unroll 12
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  for (size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m512& sum : sums) flash::dot_bf16(sum, x, x);
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
  made.attention = attention;
  made.byte_queries = true;
  made.roof_bf16 = roof_bf16;
  return made;
}();

}  // namespace longscroll
