// T tokens, D hidden.
#include "train/checkpointing.h"

#include <algorithm>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace longscroll::train {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Held : torch::CustomClassHolder {
  Held(LayerTensors own_layer, std::shared_ptr<const PassContext> own_pass)
      : layer(std::move(own_layer)), pass(std::move(own_pass)) {}

  LayerTensors layer;
  std::shared_ptr<const PassContext> pass;
};

Tensor ffn_in_chunks(const Tensor& x, const LayerTensors& layer, const PassContext& pass) {
  const Tensor out = at::empty_like(x);
  for (int64_t first = 0; first < x.size(0); first += pass.ffn_chunk) {
    const int64_t count = std::min(pass.ffn_chunk, x.size(0) - first);
    out.narrow(0, first, count).copy_(ffn_block(x.narrow(0, first, count), layer, pass));
  }
  return out;
}

// Those of `tensors` whose originals learn, as leaves of a graph of their own.
variable_list make_leaves(const std::vector<Tensor*>& tensors, const std::vector<const Tensor*>& originals) {
  variable_list leaves;
  for (size_t i = 0; i < tensors.size(); ++i) {
    *tensors[i] = tensors[i]->detach();
    if (!originals[i]->requires_grad()) continue;
    tensors[i]->requires_grad_(true);
    leaves.push_back(*tensors[i]);
  }
  return leaves;
}

// What a layer's backward works on: its tensors as leaves, and their gradients in the order of the leaves.
struct Recomputation {
  LayerTensors layer;
  variable_list attention_leaves, ffn_leaves;
};

Recomputation recomputation_of(const LayerTensors& original, at::ScalarType compute) {
  Recomputation result{in_compute_type(original, compute), {}, {}};
  result.attention_leaves =
      make_leaves(attention_tensors(result.layer), attention_tensors(std::as_const(original)));
  result.ffn_leaves = make_leaves(ffn_tensors(result.layer), ffn_tensors(std::as_const(original)));
  return result;
}

// Chunk by chunk: gradients of the leaves are added up in float32, that of x is written to grad_x.
variable_list ffn_backward(const Tensor& x, const Tensor& grad_out, const Recomputation& work,
                           const PassContext& pass, const Tensor& grad_x) {
  variable_list sums(work.ffn_leaves.size());
  for (int64_t first = 0; first < x.size(0); first += pass.ffn_chunk) {
    const int64_t count = std::min(pass.ffn_chunk, x.size(0) - first);
    const Tensor part = x.narrow(0, first, count).detach().requires_grad_(true);
    variable_list inputs = {part};
    inputs.insert(inputs.end(), work.ffn_leaves.begin(), work.ffn_leaves.end());
    const Tensor out = ffn_block(part, work.layer, pass);
    const variable_list grads = torch::autograd::grad({out}, inputs, {grad_out.narrow(0, first, count)});
    const at::NoGradGuard no_grad;
    grad_x.narrow(0, first, count).copy_(grads[0]);
    for (size_t i = 0; i < sums.size(); ++i) {
      if (sums[i].defined()) {
        sums[i].add_(grads[i + 1]);
      } else {
        sums[i] = grads[i + 1].to(at::kFloat);
      }
    }
  }
  return sums;
}

class CheckpointedLayer : public torch::autograd::Function<CheckpointedLayer> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const c10::intrusive_ptr<Held>& held,
                        at::TensorList learning) {
    const PassContext& pass = *held->pass;
    const LayerTensors layer = in_compute_type(held->layer, pass.compute);
    AttentionMemory memory;
    const Tensor middle = attention_block(x, layer, pass, pass.keep_attention ? &memory : nullptr);
    variable_list saved = {x};
    saved.insert(saved.end(), memory.kept.begin(), memory.kept.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["held"] = at::IValue::make_capsule(held);
    ctx->saved_data["learning"] = static_cast<int64_t>(learning.size());
    return ffn_in_chunks(middle, layer, pass);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["held"].toCapsule();
    const auto& held = static_cast<const Held&>(*capsule);
    const PassContext& pass = *held.pass;
    const Tensor grad_out = grads[0].contiguous();
    const Recomputation work = recomputation_of(held.layer, pass.compute);
    AttentionMemory memory{variable_list(saved.begin() + 1, saved.end())};

    const at::AutoGradMode with_graph(true);
    const Tensor x = saved[0].detach().requires_grad_(true);
    const Tensor middle = attention_block(x, work.layer, pass, &memory);
    const Tensor grad_middle = at::empty_like(grad_out);
    variable_list ffn_grads = ffn_backward(middle.detach(), grad_out, work, pass, grad_middle);
    variable_list inputs = {x};
    inputs.insert(inputs.end(), work.attention_leaves.begin(), work.attention_leaves.end());
    variable_list attention_grads = torch::autograd::grad({middle}, inputs, {grad_middle});

    // In the order of forward's arguments: x, the held layer, the tensors that learn.
    variable_list result = {std::move(attention_grads[0]), Tensor()};
    result.reserve(2 + static_cast<size_t>(ctx->saved_data["learning"].toInt()));
    for (size_t i = 1; i < attention_grads.size(); ++i) result.push_back(attention_grads[i].to(at::kFloat));
    for (Tensor& grad : ffn_grads) result.push_back(std::move(grad));
    return result;
  }
};

}  // namespace

Tensor checkpointed_layer(const Tensor& x, const LayerTensors& layer,
                          const std::shared_ptr<const PassContext>& pass) {
  variable_list learning;
  for (const Tensor* tensor : attention_tensors(layer)) {
    if (tensor->requires_grad()) learning.push_back(*tensor);
  }
  for (const Tensor* tensor : ffn_tensors(layer)) {
    if (tensor->requires_grad()) learning.push_back(*tensor);
  }
  return CheckpointedLayer::apply(x, c10::make_intrusive<Held>(layer, pass), at::TensorList(learning));
}

Tensor layer_without_gradients(const Tensor& x, const LayerTensors& layer, const PassContext& pass) {
  const at::NoGradGuard no_grad;
  const LayerTensors cast = in_compute_type(layer, pass.compute);
  return ffn_in_chunks(attention_block(x, cast, pass), cast, pass);
}

}  // namespace longscroll::train
