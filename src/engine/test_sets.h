// The engine's tests run once for each kernel set; what a machine lacks is skipped.
#pragma once

#include <cstdlib>

#include "kernels/kernels.h"

namespace longscroll {

inline bool forced_set_is_missing() {
  const char* forced = std::getenv("LONGSCROLL_ISA");
  for (const KernelSet* set : all_kernel_sets()) {
    if (forced != nullptr && set->name == forced) return !set->available();
  }
  return false;
}

}  // namespace longscroll
