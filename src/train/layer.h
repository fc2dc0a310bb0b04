// One layer of the transformer: x + attention(norm(x)), then that + feed-forward(norm(that)).
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "model/config.h"
#include "train/attention.h"
#include "train/document_bounds.h"
#include "train/rotary.h"

namespace longscroll::train {

// y = x weightᵀ + bias, and with an adapter + lora_scale · x lora_aᵀ lora_bᵀ.
struct Projection {
  at::Tensor weight;          // [out, in]
  at::Tensor bias;            // [out] or undefined
  at::Tensor lora_a, lora_b;  // [rank, in], [out, rank] or undefined
  double lora_scale = 0.0;
};

struct LayerTensors {
  at::Tensor attention_norm, ffn_norm;  // [hidden]
  at::Tensor query_norm, key_norm;      // [head_dim] or undefined
  Projection query, key, value, output;
  Projection gate, up, down;
};

// The tensors that there are, in a fixed order: those of x + attention(…), and those of the rest. Layer:
// const or not; the result points into it.
template <class Layer>
auto attention_tensors(Layer& layer) {
  std::vector<decltype(&layer.attention_norm)> all = {&layer.attention_norm, &layer.query_norm,
                                                      &layer.key_norm};
  for (auto* projection : {&layer.query, &layer.key, &layer.value, &layer.output})
    all.insert(all.end(), {&projection->weight, &projection->bias, &projection->lora_a, &projection->lora_b});
  std::erase_if(all, [](auto* tensor) { return !tensor->defined(); });
  return all;
}

template <class Layer>
auto ffn_tensors(Layer& layer) {
  std::vector<decltype(&layer.ffn_norm)> all = {&layer.ffn_norm};
  for (auto* projection : {&layer.gate, &layer.up, &layer.down})
    all.insert(all.end(), {&projection->weight, &projection->bias, &projection->lora_a, &projection->lora_b});
  std::erase_if(all, [](auto* tensor) { return !tensor->defined(); });
  return all;
}

// What all layers of a pass share. Used within the pass, by the thread that runs it.
struct PassContext {
  const ModelConfig* config = nullptr;
  DocumentBounds documents;
  RotaryTable rotary;
  at::ScalarType compute = at::kFloat;
  int64_t ffn_chunk = 0;
  bool keep_attention = false;
};

// The layer with its matrices and biases in the type of products; norms stay as they are. Differentiable.
LayerTensors in_compute_type(const LayerTensors& layer, at::ScalarType compute);

// x [T, D] in the type of products; `layer` as in_compute_type() gives it. `memory` as attend() takes it.
at::Tensor attention_block(const at::Tensor& x, const LayerTensors& layer, const PassContext& pass,
                           AttentionMemory* memory = nullptr);
at::Tensor ffn_block(const at::Tensor& x, const LayerTensors& layer, const PassContext& pass);

}  // namespace longscroll::train
