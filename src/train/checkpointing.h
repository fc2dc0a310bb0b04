// Activation checkpointing (arXiv 1604.06174) of whole layers: forward keeps a layer's input, and, if the
// pass says so, what attention gave; backward computes the rest of the layer again, the feed-forward part a
// chunk of tokens at a time, so that the wide activations of a long pack never exist at once. Nothing in a
// layer is random, so the second pass is the first.
#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

#include "train/layer.h"

namespace longscroll::train {

// ffn_block(attention_block(x)). `layer` holds the parameters themselves, in their own types; they get their
// gradients as inputs of one node of the graph. Layer and pass are kept until backward is over; pass->config
// must be alive until then.
at::Tensor checkpointed_layer(const at::Tensor& x, const LayerTensors& layer,
                              const std::shared_ptr<const PassContext>& pass);

// The same without a graph, for evaluation.
at::Tensor layer_without_gradients(const at::Tensor& x, const LayerTensors& layer, const PassContext& pass);

}  // namespace longscroll::train
