// Causal attention of packed documents, each to itself alone, with its gradient. Cost grows with the sum of
// the squared lengths; memory with the tokens: scores are never held (FlashAttention-2, arXiv 2307.08691).
//
// On the CPU torch's flash kernel is called for each document. On CUDA its variable-length flash kernel takes
// all documents at once, and a pack that is one long document goes to cuDNN's, which is faster; both compute
// in bf16 alone, and add up gradients in an order that changes from run to run.
#pragma once

#include <ATen/core/Tensor.h>

#include "train/document_bounds.h"

namespace longscroll::train {

// What a forward pass computed, for the backward pass of a later one with equal inputs: what attention gave,
// the logarithms of the softmax's sums and, on CUDA, the kernel's own notes. Empty until filled.
struct AttentionMemory {
  std::vector<at::Tensor> kept;
};

// q [T, N, H], k and v [T, K, H] where K divides N: query head n sees head n / (N / K) of k and v. Scores are
// q·k · scale. Gives [T, N, H] in q's type.
// `memory`: null, or empty to be filled, or filled by an equal call, whose result is then taken as it is.
// Throws Error(kUnsupported) on CUDA with another type than bf16.
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const DocumentBounds& documents, double scale, AttentionMemory* memory = nullptr);

}  // namespace longscroll::train
