// AVX-512 with VNNI: packed weights by dot products of bytes; the rest as in avx512.cc.
#include "kernels/avx512_vnni.h"
#include "kernels/vector_set.h"

namespace longscroll {

constinit const KernelSet kAvx512VnniKernels =
    vector_kernels::make_set<Avx512Vnni>("avx512vnni", "AVX-512 F, BW, DQ, VL and VNNI", has_avx512_vnni);

}  // namespace longscroll
