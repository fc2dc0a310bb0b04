// Index's head: each row of it divided by its L2 norm, as torch's normalize does.
#pragma once

#include <vector>

#include "model/weights.h"

namespace longscroll {

std::vector<float> inverse_row_norms(const Matrix& head);  // [rows]

}  // namespace longscroll
