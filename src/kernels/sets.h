// The kernel sets by themselves; only dispatch.cc and the sets include this.
#pragma once

#include "kernels/kernels.h"

namespace longscroll {

inline constexpr float kSqrt2OverPi = 0.7978845608028654f;

const KernelSet& portable_kernels();

#if defined(LONGSCROLL_X86)
// Constants, made by the compiler: a file with the instructions of one processor has no code that runs before
// has_…() of dispatch.cc, which is compiled for any, has said yes.
extern const KernelSet kAvx2Kernels;
extern const KernelSet kAvxVnniKernels;
extern const KernelSet kAvx512Kernels;
extern const KernelSet kAvx512VnniKernels;
extern const KernelSet kAvx512Bf16Kernels;

bool has_avx2();
bool has_avx_vnni();
bool has_avx512();
bool has_avx512_vnni();
bool has_avx512_vnni_bf16();
#endif

}  // namespace longscroll
