// Cross-entropy of a language model's head without its logits: tokens go through in chunks, and neither
// [tokens, vocabulary] nor its gradient is ever held whole. (The idea is that of Cut Cross-Entropy, arXiv
// 2411.09009, and of Liger Kernel's fused linear cross-entropy, arXiv 2410.10989; here in ATen's products.)
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace longscroll::train {

struct HeadOptions {
  bool normalise_rows = false;          // Index's norm head: each row divided by its L2 norm, at least 1e-12
  at::ScalarType compute = at::kFloat;  // of the products; softmax and sums are float32
  int64_t chunk = 1024;                 // tokens
};

// hidden [P, D] in the type of `compute`, weight [V, D] as it is stored, targets [P] int64.
//
// The sum over all P, float32. Gradients are made on the way, since those of a sum are known before backward:
// each chunk's logits are computed once. One backward a call.
at::Tensor cross_entropy_sum(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                             const HeadOptions& options);

// Each target's log-probability, float32 [P]. Backward computes the logits again.
at::Tensor target_log_probs(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                            const HeadOptions& options);

// Float32 [P, V], held whole. Not differentiable.
at::Tensor head_logits(const at::Tensor& hidden, const at::Tensor& weight, const HeadOptions& options);

}  // namespace longscroll::train
