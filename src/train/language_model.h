// The model in LibTorch: from the configuration and the tensor names that the engine has, and rope/'s
// frequencies. Packed documents attend to themselves alone and count positions from 0.
//
// A LanguageModel is used by one thread at a time. Between forward and backward its parameters must not be
// changed in place: with checkpoint_layers, backward reads them again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <torch/nn/module.h>

#include "data/pack.h"
#include "model/architecture.h"
#include "model/config.h"
#include "train/layer.h"
#include "train/model_options.h"
#include "train/pack_tensors.h"
#include "train/rotary.h"
#include "train/token_loss.h"

namespace longscroll::train {

// A parameter and what the table of architectures calls it.
struct NamedParameter {
  std::string name;  // as a Hugging Face directory has it
  TensorRole role;
  size_t layer = 0;      // where the role has one
  torch::Tensor tensor;  // the same object as in named_parameters()
};

class LanguageModel final : public torch::nn::Module {
 public:
  // Norms are 1, biases 0, matrices 0 or, with options.draw_weights, from N(0, 0.02) by torch's generator;
  // load_weights (weights_io.h) fills them from a model's files. What learns is float32, frozen matrices are
  // in the type of `options.compute`. `config` is trainable_config()'s. Throws Error(kArgument |
  // kUnsupported).
  LanguageModel(const ModelConfig& config, const ModelOptions& options);

  // Sum of the cross-entropies, in nats, over the targets that are not ignored: a float32 scalar. Divide by
  // the batch's tokens before backward(). Throws Error(kArgument) for a pack that contradicts itself or has
  // ids outside the vocabulary. One backward a call: gradients are made in the forward pass already.
  torch::Tensor loss_sum(const data::Pack& pack);

  // Sum of the log-probabilities of each document's targets: float32 [documents], 0 for one without targets.
  // Differentiable, with weights of its own for each document.
  torch::Tensor document_log_probs(const data::Pack& pack);

  // Log-probability of each target that is not ignored, in order: float32 [targets]. Differentiable.
  torch::Tensor target_log_probs(const data::Pack& pack);

  // Float32 [positions, vocab]: held whole, so meant for a few. Not differentiable.
  torch::Tensor logits(const data::Pack& pack, std::span<const uint32_t> positions);

  const ModelConfig& config() const { return config_; }
  const ModelOptions& options() const { return options_; }

  // Of the architecture, without adapters; named_parameters() has those too, under PEFT's names:
  // "….q_proj.lora_A.weight" [rank, in] and "….q_proj.lora_B.weight" [out, rank].
  const std::vector<NamedParameter>& weights() const { return weights_; }

  // Null when the weight has none.
  const Projection* adapter_of(const NamedParameter& weight) const;

 private:
  void add_weight(TensorRole role, const std::string& name, size_t layer);
  void add_adapters();
  torch::Tensor& place_of(TensorRole role, size_t layer);
  bool learns(TensorRole role) const;
  PackTensors needed_of(const data::Pack& pack) const;
  torch::Tensor hidden(const PackTensors& input, const torch::Tensor& places);
  torch::Tensor head() const { return config_.tied_head ? embedding_ : head_; }
  HeadOptions head_options() const;

  ModelConfig config_;
  ModelOptions options_;
  std::vector<NamedParameter> weights_;
  torch::Tensor embedding_, final_norm_, head_;
  std::vector<LayerTensors> layers_;
  RotaryTables rotary_;
};

}  // namespace longscroll::train
