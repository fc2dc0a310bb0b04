// The tensors that learn, moved into one row of float32 with their gradients beside it: what ZeRO-1 cuts into
// shards, and what is added over processes in a few large messages.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "train/flat_layout.h"

namespace longscroll::train {

using NamedTensor = std::pair<std::string, at::Tensor>;

// The parameters become views into weights(), and their gradients views into gradients(), where backward()
// adds to them in place. So neither a parameter's storage nor its gradient may be replaced while this lives.
class FlatParameters {
 public:
  // Float32, on one device, requiring gradients. At the peak one parameter is held twice. Throws
  // Error(kArgument) when there is none or one is of another type.
  FlatParameters(std::vector<NamedTensor> parameters, int processes);

  const FlatLayout& layout() const { return layout_; }
  uint64_t shard() const { return shard_; }       // floats of each process
  at::Tensor& weights() { return weights_; }      // [processes * shard]
  at::Tensor& gradients() { return gradients_; }  // [processes * shard]

  void zero_gradients() { gradients_.zero_(); }

 private:
  FlatLayout layout_;
  uint64_t shard_;
  at::Tensor weights_;
  at::Tensor gradients_;
};

}  // namespace longscroll::train
