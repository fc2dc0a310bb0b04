// What this processor can run, asked once.
#pragma once

#include <string>

namespace longscroll {

struct CpuFeatures {
  bool avx2_fma_f16c = false;
  bool avx512 = false;  // F, BW, DQ, VL
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool avx_vnni = false;
};

const CpuFeatures& cpu_features();
std::string cpu_model_name();  // "unknown" when the system does not say

// Cores that this process may run on.
int available_cores();

// Physical memory of the machine, bytes.
unsigned long long physical_memory_bytes();
// Of this process now, shared libraries included; 0 where the system does not tell.
unsigned long long resident_memory_bytes();
// The most that it was since the process began.
unsigned long long peak_memory_bytes();

}  // namespace longscroll
