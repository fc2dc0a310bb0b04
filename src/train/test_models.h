// Small models and packs for the tests of this layer.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "data/pack.h"
#include "model/config.h"
#include "train/language_model.h"

namespace longscroll::train::test {

// Two layers with grouped heads; `architecture` decides on norms, biases and head.
inline ModelConfig tiny_config(const std::string& architecture) {
  ModelConfig config;
  config.architecture = architecture;
  config.vocab_size = 61;
  config.hidden_size = 48;
  config.num_layers = 2;
  config.num_heads = 4;
  config.num_kv_heads = 2;
  config.head_dim = 16;
  config.ffn_size = 80;
  config.max_position = 512;
  config.rope.rotary_dim = 16;
  config.rope_local = config.rope;
  config.layer_local = {0, 0};
  config.query_scale = 0.25f;
  config.qk_norm = architecture == "qwen3";
  config.key_bias = architecture == "qwen2";
  config.norm_head = architecture == "index";
  config.tied_head = architecture == "qwen2";
  return config;
}

// Everything at once, in float32.
inline ModelOptions plain_options() {
  ModelOptions options;
  options.compute = Compute::kF32;
  options.checkpoint_layers = false;
  options.loss_chunk = 1 << 20;
  return options;
}

// Larger than a model's first weights, so that attention is far from even and every norm matters.
inline void draw_weights(LanguageModel& model, uint64_t seed) {
  torch::manual_seed(seed);
  const torch::NoGradGuard no_grad;
  for (auto& item : model.named_parameters()) {
    torch::Tensor& value = item.value();
    const bool norm = item.key().find("norm") != std::string::npos;
    const double deviation =
        norm || value.dim() == 1 ? 0.3 : 1.2 / std::sqrt(static_cast<double>(value.size(1)));
    value.normal_(norm ? 1.0 : 0.0, deviation);
  }
}

inline LanguageModel make_model(const std::string& architecture, const ModelOptions& options,
                                uint64_t seed = 7) {
  LanguageModel model(tiny_config(architecture), options);
  draw_weights(model, seed);
  return model;
}

// Documents of these lengths; the last position of each predicts nothing.
inline data::Pack random_pack(const std::vector<uint32_t>& lengths, uint32_t vocab_size, uint64_t seed) {
  std::mt19937_64 random(seed);
  data::Pack pack;
  for (const uint32_t length : lengths) {
    pack.starts.push_back(static_cast<uint32_t>(pack.ids.size()));
    for (uint32_t i = 0; i < length; ++i) {
      if (i > 0) pack.targets.back() = static_cast<TokenId>(random() % vocab_size);
      if (i > 0) pack.ids.push_back(pack.targets.back());
      if (i == 0) pack.ids.push_back(static_cast<TokenId>(random() % vocab_size));
      pack.targets.push_back(data::kIgnored);
    }
  }
  return pack;
}

inline data::Pack document_of(const data::Pack& pack, size_t d) {
  const size_t begin = pack.starts[d];
  const size_t end = d + 1 < pack.starts.size() ? pack.starts[d + 1] : pack.ids.size();
  return {{pack.ids.begin() + begin, pack.ids.begin() + end},
          {pack.targets.begin() + begin, pack.targets.begin() + end},
          {0}};
}

// Copies, by name, of what backward left; parameters that do not learn have none.
inline std::map<std::string, torch::Tensor> gradients_of(const LanguageModel& model) {
  std::map<std::string, torch::Tensor> gradients;
  for (const auto& item : model.named_parameters()) {
    if (item.value().grad().defined()) gradients[item.key()] = item.value().grad().clone();
  }
  return gradients;
}

// Euclidean distance relative to the length of `expected`.
inline double distance(const torch::Tensor& found, const torch::Tensor& expected) {
  const torch::Tensor difference = found.to(torch::kDouble) - expected.to(torch::kDouble);
  const double scale = expected.to(torch::kDouble).norm().item<double>();
  return difference.norm().item<double>() / std::max(scale, 1e-30);
}

// The largest distance over all names, which must be the same on both sides; a missing one is infinitely far.
inline double largest_distance(const std::map<std::string, torch::Tensor>& found,
                               const std::map<std::string, torch::Tensor>& expected) {
  if (found.size() != expected.size()) return INFINITY;
  double largest = 0.0;
  for (const auto& [name, value] : expected) {
    const auto other = found.find(name);
    largest = std::max(largest, other == found.end() ? INFINITY : distance(other->second, value));
  }
  return largest;
}

inline std::map<std::string, torch::Tensor> loss_gradients(LanguageModel& model, const data::Pack& pack) {
  model.zero_grad();
  model.loss_sum(pack).backward();
  return gradients_of(model);
}

}  // namespace longscroll::train::test
