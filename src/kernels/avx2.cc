// AVX2 with FMA and F16C: eight floats a vector, register tiles of 6 x 16; products of bytes by way of 16
// bits.
#include "kernels/avx2_packed.h"
#include "kernels/vector_set.h"

namespace longscroll {
namespace {

struct Avx2Narrow : Avx2Packed {
  static I pairs(I codes, I acts) { return _mm256_maddubs_epi16(codes, acts); }
  static I widen(I sums) { return _mm256_madd_epi16(sums, _mm256_set1_epi16(1)); }
  // Written out, since GCC 12 multiplies far ahead of the sums and spills what waits for them.
  static I add_pairs(I sums, I codes, I acts) {
    I next;
    __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(sums), "=&x"(next) : "x"(codes), "x"(acts));
    return sums;
  }
  static I dot4_signed(I acc, I codes, I acts) {
    I next;
    __asm__(
        "vpsignb %3, %4, %1\n\tvpmaddubsw %1, %2, %1\n\t"
        "vpmaddwd %5, %1, %1\n\tvpaddd %1, %0, %0"
        : "+x"(acc), "=&x"(next)
        : "x"(_mm256_abs_epi8(codes)), "xm"(codes), "x"(acts), "xm"(_mm256_set1_epi16(1)));
    return acc;
  }
};

}  // namespace

constinit const KernelSet kAvx2Kernels =
    vector_kernels::make_set<Avx2Narrow>("avx2", "AVX2, FMA and F16C", has_avx2);

}  // namespace longscroll
