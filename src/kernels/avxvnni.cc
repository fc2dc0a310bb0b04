// AVX2 with AVX-VNNI: as avx2.cc, with dot products of bytes.
#include "kernels/avx2_packed.h"
#include "kernels/vector_set.h"

namespace longscroll {
namespace {

struct AvxVnni : Avx2Packed {
  // As dot_bytes() in avx512_vnni.h. Without the prefix the assembler takes the encoding of AVX-512.
  static I dot4(I acc, I codes, I acts) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(codes), "x"(acts));
    return acc;
  }
};

}  // namespace

constinit const KernelSet kAvxVnniKernels =
    vector_kernels::make_set<AvxVnni>("avxvnni", "AVX2, FMA, F16C and AVX-VNNI", has_avx_vnni);

}  // namespace longscroll
