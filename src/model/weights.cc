#include "model/weights.h"

#include <cassert>

#include "kernels/kernels.h"

namespace longscroll {

void read_row(const Matrix& matrix, size_t row, std::span<float> out) {
  assert(row < matrix.rows && out.size() == matrix.cols);
  kernels().dequantize(matrix.dtype, matrix.data + row * matrix.row_bytes, out.data(), out.size());
}

}  // namespace longscroll
