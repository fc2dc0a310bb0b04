// Root-mean-square norm (arXiv 1910.07467) with its gradient, computed in float32 whatever the input's type.
#pragma once

#include <ATen/core/Tensor.h>

namespace longscroll::train {

// x [..., D], weight [D] float32 or x's type: x / sqrt(mean(x²) + epsilon) · weight, in x's type. Rounded
// once; on CUDA, where torch's one fused kernel does it, the weight is rounded to x's type first.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon);

}  // namespace longscroll::train
