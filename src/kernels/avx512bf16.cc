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

}  // namespace

constinit const KernelSet kAvx512Bf16Kernels = [] {
  KernelSet made = vector_kernels::make_set<Avx512Vnni>("avx512bf16", "AVX-512 F, BW, DQ, VL, VNNI and BF16",
                                                        has_avx512_vnni_bf16);
  made.attention = attention;
  made.byte_queries = true;
  return made;
}();

}  // namespace longscroll
