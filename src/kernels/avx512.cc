// AVX-512 (F, BW, DQ, VL): sixteen floats a vector, register tiles of 12 x 32.
#include "kernels/avx512_rows.h"

#include "base/cpu_features.h"
#include "kernels/vector_set.h"

namespace longscroll {

const KernelSet& avx512_kernels() {
  static const KernelSet set = [] {
    KernelSet made = vector_kernels::make_set<Avx512>("avx512", "AVX-512 F, BW, DQ and VL",
                                                      [] { return cpu_features().avx512; });
    rows::use_in(made);
    return made;
  }();
  return set;
}

}  // namespace longscroll
