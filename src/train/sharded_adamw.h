// AdamW (arXiv 1711.05101) with its moments shared out among processes (ZeRO-1, arXiv 1910.02054), and the
// clipping of the whole gradient's norm. Arithmetic: torch's own fused kernel, as
// torch.optim.AdamW(fused=True).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "train/communicator.h"
#include "train/flat_parameters.h"

namespace longscroll::train {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // of matrices; norms and biases do not decay
  double clip_norm = 1.0;     // 0: no clipping
};

// Every process has one over the same parameters; calls are collective. Not thread safe.
class ShardedAdamW {
 public:
  ShardedAdamW(FlatParameters& parameters, Communicator& communicator, const AdamWOptions& options);

  // Adds the gradients over all processes and gives the norm of the sum. Afterwards each process's gradients
  // are good for its own shard alone.
  double reduce_gradients();

  // With the norm that reduce_gradients() gave: scales the gradient to clip_norm where it is longer, takes a
  // step, and gives every process the new weights.
  void step(double learning_rate, double gradient_norm);

  uint64_t steps_done() const { return steps_done_; }
  void set_steps_done(uint64_t steps) { steps_done_ = steps; }

  // This process's shards: [shard()], views.
  at::Tensor weights_shard() const;
  at::Tensor& exp_avg() { return exp_avg_; }
  at::Tensor& exp_avg_sq() { return exp_avg_sq_; }
  uint64_t shard_begin() const { return begin_; }

 private:
  at::Tensor gradients_shard() const;

  FlatParameters& parameters_;
  Communicator& communicator_;
  AdamWOptions options_;
  uint64_t begin_ = 0;
  uint64_t steps_done_ = 0;
  std::vector<FlatRange> ranges_;  // of the shard, from its own beginning
  at::Tensor exp_avg_;
  at::Tensor exp_avg_sq_;
};

}  // namespace longscroll::train
