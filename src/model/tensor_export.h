// A model's weights as the tensors of another file: names, order of rows, types.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/tensor.h"
#include "model/export_target.h"

namespace longscroll {

// The tensors point into `model`, which must outlive them. Producing one throws Error(kFile) when a value
// does not fit the type (float16's range; infinities and NaN in block types).
std::vector<TensorToWrite> export_tensors(const Model& model, const ExportTarget& target, Remarks& remarks);

// Of a tensor whose size is known to fit, such as those of export_tensors().
uint64_t bytes_of(const TensorToWrite& tensor);

}  // namespace longscroll
