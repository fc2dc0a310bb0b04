// How many pages keys and values of a text take.
#pragma once

#include <cstddef>

#include "kernels/kv_page.h"

namespace longscroll {

inline size_t pages_for(size_t length) {
  return (length + kPageKeys - 1) / kPageKeys;
}

}  // namespace longscroll
