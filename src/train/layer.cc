// T tokens, D hidden, N query heads, K KV heads, H head dimension, F ffn width.
#include "train/layer.h"

#include <optional>

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

#include "train/rms_norm.h"

namespace longscroll::train {
namespace {

using at::Tensor;

Tensor project(const Tensor& x, const Projection& projection) {
  const std::optional<Tensor> bias =
      projection.bias.defined() ? std::optional<Tensor>(projection.bias) : std::nullopt;
  const Tensor y = at::linear(x, projection.weight, bias);
  if (!projection.lora_a.defined()) return y;
  const Tensor low_rank = at::linear(x, projection.lora_a);
  return y.add(at::linear(low_rank, projection.lora_b), projection.lora_scale);
}

}  // namespace

LayerTensors in_compute_type(const LayerTensors& layer, at::ScalarType compute) {
  LayerTensors result = layer;
  for (Projection* projection :
       {&result.query, &result.key, &result.value, &result.output, &result.gate, &result.up, &result.down}) {
    for (Tensor* tensor :
         {&projection->weight, &projection->bias, &projection->lora_a, &projection->lora_b}) {
      if (tensor->defined()) *tensor = tensor->to(compute);
    }
  }
  return result;
}

Tensor attention_block(const Tensor& x, const LayerTensors& layer, const PassContext& pass,
                       AttentionMemory* memory) {
  const ModelConfig& config = *pass.config;
  const int64_t tokens = x.size(0), head_dim = config.head_dim;
  const Tensor normed_TD = rms_norm(x, layer.attention_norm, config.rms_norm_eps);
  Tensor q_TNH = project(normed_TD, layer.query).view({tokens, config.num_heads, head_dim});
  Tensor k_TKH = project(normed_TD, layer.key).view({tokens, config.num_kv_heads, head_dim});
  const Tensor v_TKH = project(normed_TD, layer.value).view({tokens, config.num_kv_heads, head_dim});
  if (config.qk_norm) {
    q_TNH = rms_norm(q_TNH, layer.query_norm, config.rms_norm_eps);
    k_TKH = rms_norm(k_TKH, layer.key_norm, config.rms_norm_eps);
  }
  q_TNH = rotate(q_TNH, pass.rotary);
  k_TKH = rotate(k_TKH, pass.rotary);
  const Tensor attended_TNH = attend(q_TNH, k_TKH, v_TKH, pass.documents, config.query_scale, memory);
  return x + project(attended_TNH.view({tokens, config.query_size()}), layer.output);
}

Tensor ffn_block(const Tensor& x, const LayerTensors& layer, const PassContext& pass) {
  const Tensor normed_TD = rms_norm(x, layer.ffn_norm, pass.config->rms_norm_eps);
  const Tensor gate_TF = project(normed_TD, layer.gate);
  const bool silu = pass.config->activation == Activation::kSilu;
  const Tensor open_TF = silu ? at::silu(gate_TF) : at::gelu(gate_TF, "tanh");
  return x + project(open_TF * project(normed_TD, layer.up), layer.down);
}

}  // namespace longscroll::train
