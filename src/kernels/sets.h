// The kernel sets by themselves; only dispatch.cc and the sets include this.
#pragma once

#include "kernels/kernels.h"

namespace longscroll {

inline constexpr float kSqrt2OverPi = 0.7978845608028654f;

const KernelSet& portable_kernels();
#if defined(LONGSCROLL_X86)
const KernelSet& avx2_kernels();
const KernelSet& avx512_kernels();
const KernelSet& avx512bf16_kernels();
#endif

}  // namespace longscroll
