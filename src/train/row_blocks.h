// Element-wise steps over tall tensors, a block of rows at a time: float32 temporaries stay in the cache and
// are never as large as the tensor. On other devices than the CPU all rows are one block.
#pragma once

#include <algorithm>
#include <cstdint>

#include <ATen/core/Tensor.h>

namespace longscroll::train {

// body(first row, rows).
template <class Body>
void for_row_blocks(const at::Tensor& tensor, int64_t rows, int64_t row_elements, Body body) {
  constexpr int64_t kBlockElements = 1 << 18;
  const int64_t block =
      tensor.is_cpu() ? std::max<int64_t>(1, kBlockElements / std::max<int64_t>(1, row_elements)) : rows;
  for (int64_t first = 0; first < rows; first += block) body(first, std::min(block, rows - first));
}

}  // namespace longscroll::train
