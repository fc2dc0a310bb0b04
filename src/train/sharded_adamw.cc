#include "train/sharded_adamw.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace longscroll::train {
namespace {

// A float32 sum of so many squares keeps 5 digits; the sums themselves are added in double.
constexpr int64_t kNormPiece = int64_t{1} << 20;
// Keeps the scale finite when the gradient is 0, as torch's clip_grad_norm_ does.
constexpr double kNormEpsilon = 1e-6;

double squared_norm(const at::Tensor& row) {
  std::vector<at::Tensor> pieces;
  for (const at::Tensor& piece : row.split(kNormPiece)) pieces.push_back(at::linalg_vector_norm(piece));
  return at::stack(pieces).to(at::kDouble).square().sum().item<double>();
}

}  // namespace

ShardedAdamW::ShardedAdamW(FlatParameters& parameters, Communicator& communicator,
                           const AdamWOptions& options)
    : parameters_(parameters), communicator_(communicator), options_(options) {
  const uint64_t shard = parameters.shard();
  begin_ = static_cast<uint64_t>(communicator.rank()) * shard;
  ranges_ = parameters.layout().ranges(begin_, begin_ + shard);
  for (FlatRange& range : ranges_) {
    range.begin -= begin_;
    range.end -= begin_;
  }
  exp_avg_ = at::zeros({static_cast<int64_t>(shard)}, parameters.weights().options());
  exp_avg_sq_ = at::zeros_like(exp_avg_);
}

at::Tensor ShardedAdamW::weights_shard() const {
  return parameters_.weights().narrow(0, static_cast<int64_t>(begin_),
                                      static_cast<int64_t>(parameters_.shard()));
}

at::Tensor ShardedAdamW::gradients_shard() const {
  return parameters_.gradients().narrow(0, static_cast<int64_t>(begin_),
                                        static_cast<int64_t>(parameters_.shard()));
}

double ShardedAdamW::reduce_gradients() {
  communicator_.reduce_to_shards(parameters_.gradients().data_ptr<float>(), parameters_.shard());
  std::array<double, 1> squared = {squared_norm(gradients_shard())};
  communicator_.sum(std::span<double>(squared));
  return std::sqrt(squared[0]);
}

void ShardedAdamW::step(double learning_rate, double gradient_norm) {
  const at::NoGradGuard no_grad;
  ++steps_done_;
  const at::Tensor weights = weights_shard();
  const at::Tensor gradients = gradients_shard();
  const auto steps = at::scalar_tensor(static_cast<double>(steps_done_), weights.options());
  std::optional<at::Tensor> divisor;  // the kernel divides each gradient by it
  if (options_.clip_norm > 0 && gradient_norm + kNormEpsilon > options_.clip_norm) {
    divisor = at::scalar_tensor((gradient_norm + kNormEpsilon) / options_.clip_norm, weights.options());
  }
  for (const bool decays : {true, false}) {
    std::vector<at::Tensor> w, g, m, v, s;
    for (const FlatRange& range : ranges_) {
      if (range.decays != decays) continue;
      const auto begin = static_cast<int64_t>(range.begin);
      const auto count = static_cast<int64_t>(range.end - range.begin);
      w.push_back(weights.narrow(0, begin, count));
      g.push_back(gradients.narrow(0, begin, count));
      m.push_back(exp_avg_.narrow(0, begin, count));
      v.push_back(exp_avg_sq_.narrow(0, begin, count));
      s.push_back(steps);
    }
    if (w.empty()) continue;
    at::_fused_adamw_(w, g, m, v, {}, s, learning_rate, options_.beta1, options_.beta2,
                      decays ? options_.weight_decay : 0.0, options_.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false, divisor);
  }
  communicator_.gather_shards(parameters_.weights().data_ptr<float>(), parameters_.shard());
}

}  // namespace longscroll::train
