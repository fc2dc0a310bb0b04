// AVX-512 with VNNI: packed weights and quantised pages by dot products of bytes; the rest as in avx512.cc.
#include "kernels/avx512_flash.h"
#include "kernels/avx512_vnni.h"
#include "kernels/vector_set.h"

namespace longscroll {

constinit const KernelSet kAvx512VnniKernels = [] {
  KernelSet made =
      vector_kernels::make_set<Avx512Vnni>("avx512vnni", "AVX-512 F, BW, DQ, VL and VNNI", has_avx512_vnni);
  made.attention = flash::attention_over_pages;
  made.byte_queries = true;
  return made;
}();

}  // namespace longscroll
