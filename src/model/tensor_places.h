// Where each tensor of the architecture table lies in a model's weights: loading fills these places,
// conversion reads them.
#pragma once

#include <vector>

#include "model/architecture.h"
#include "model/weights.h"

namespace longscroll {

// `layer` is null for the tensors that no layer owns. Null when the role's tensor is not of that kind.
Matrix* matrix_place(TensorRole role, Weights& weights, LayerWeights* layer);
std::vector<float>* vector_place(TensorRole role, Weights& weights, LayerWeights* layer);
const Matrix* matrix_place(TensorRole role, const Weights& weights, const LayerWeights* layer);
const std::vector<float>* vector_place(TensorRole role, const Weights& weights, const LayerWeights* layer);

bool is_bias(TensorRole role);
bool is_norm(TensorRole role);

}  // namespace longscroll
