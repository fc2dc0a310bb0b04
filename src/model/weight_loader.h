// From the tensors of a file to Weights: names by the architecture's table, every shape checked.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/anonymous_memory.h"
#include "formats/tensor.h"
#include "model/config_files.h"
#include "model/model.h"

namespace longscroll {

// The tensors of one model's files, whichever form they have.
struct TensorSource {
  const std::vector<TensorView>* tensors = nullptr;
  bool gguf = false;
  std::string where;
};

// Copies that matrices point into, when they are widened or packed.
struct WeightBuffers {
  std::vector<std::unique_ptr<float[]>> floats;
  std::vector<AnonymousMemory> panels;
};

// Fills model.weights, tensors, weight_bytes, parameter_count and remarks; model.config is checked and
// its tied_head and embedding_scale are settled by what the tensors say. Throws Error(kFile) naming the
// tensor that is missing or has a wrong shape, Error(kUnsupported) naming one of a type that we do not
// compute with, Error(kResource) when widening does not fit in memory.
void load_weights(const TensorSource& source, const ParsedConfig& parsed, const LoadOptions& options,
                  Model& model, WeightBuffers& buffers);

}  // namespace longscroll
