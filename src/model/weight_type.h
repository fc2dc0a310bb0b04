// In which number format a model's weights are, as people name its quantisation.
#pragma once

#include <string>

#include "model/model.h"

namespace longscroll {

// The type that most of the stored bytes have ("Q8_0", "BF16"); empty for a model without tensors.
std::string most_common_type(const Model& model);

}  // namespace longscroll
