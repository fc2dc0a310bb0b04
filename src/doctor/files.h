// What a model's configuration and tokenizer say, held against each other and against what is usual.
#pragma once

#include <vector>

#include "doctor/finding.h"
#include "model/model.h"

namespace longscroll::doctor {

// Of a loaded model: config.json and the weights' names are read once more where it is a directory. Throws
// Error(kFile) as loading does.
std::vector<Finding> examine_files(const Model& model);

}  // namespace longscroll::doctor
