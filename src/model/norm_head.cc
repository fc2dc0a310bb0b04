#include "model/norm_head.h"

#include <algorithm>
#include <cmath>

namespace longscroll {
namespace {

constexpr double kNormEpsilon = 1e-12;  // torch's normalize

}  // namespace

std::vector<float> inverse_row_norms(const Matrix& head) {
  std::vector<float> row(head.cols), inverse(head.rows);
  for (size_t i = 0; i < head.rows; ++i) {
    read_row(head, i, row);
    double squares = 0.0;
    for (const float value : row) squares += static_cast<double>(value) * value;
    inverse[i] = static_cast<float>(1.0 / std::max(std::sqrt(squares), kNormEpsilon));
  }
  return inverse;
}

}  // namespace longscroll
