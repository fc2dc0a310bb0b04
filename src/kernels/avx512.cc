// AVX-512 (F, BW, DQ, VL): sixteen floats a vector, register tiles of 12 x 32; products of bytes by way of 16
// bits.
#include "kernels/avx512_packed.h"
#include "kernels/vector_set.h"

namespace longscroll {
namespace {

struct Avx512Narrow : Avx512Packed {
  static I pairs(I codes, I acts) { return _mm512_maddubs_epi16(codes, acts); }
  static I widen(I sums) { return _mm512_madd_epi16(sums, _mm512_set1_epi16(1)); }
  // As in avx2.cc.
  static I add_pairs(I sums, I codes, I acts) {
    I next;
    __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+v"(sums), "=&v"(next) : "v"(codes), "v"(acts));
    return sums;
  }
  static I dot4_signed(I acc, I codes, I acts) {
    I turned = acts;
    __asm__(
        "vpsubb %4, %5, %1%{%3%}\n\tvpmaddubsw %1, %2, %1\n\t"
        "vpmaddwd %6, %1, %1\n\tvpaddd %1, %0, %0"
        : "+v"(acc), "+&v"(turned)
        : "v"(_mm512_abs_epi8(codes)), "Yk"(_mm512_movepi8_mask(codes)), "v"(acts),
          "v"(_mm512_setzero_si512()), "v"(_mm512_set1_epi16(1)));
    return acc;
  }
};

}  // namespace

constinit const KernelSet kAvx512Kernels =
    vector_kernels::make_set<Avx512Narrow>("avx512", "AVX-512 F, BW, DQ and VL", has_avx512);

}  // namespace longscroll
