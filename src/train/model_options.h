// How a model is trained: number formats, what is computed twice to save memory, which weights learn.
// No tensors here: the planner reads it too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/config.h"

namespace longscroll::train {

// What products are computed in. Weights that learn are float32 in either case, as are norms, softmax, losses
// and the sums of gradients.
enum class Compute : uint8_t { kF32, kBF16 };

// Low-rank adapters (LoRA, arXiv 2106.09685): y = x Wᵀ + (alpha / rank) · x Aᵀ Bᵀ with W frozen.
struct LoraOptions {
  uint32_t rank = 0;  // 0: no adapters, every weight learns
  double alpha = 32.0;
  // Projections, by the last part but one of their names: q_proj k_proj v_proj o_proj gate_proj up_proj
  // down_proj.
  std::vector<std::string> targets = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                      "gate_proj", "up_proj", "down_proj"};
  // Longer windows need both (LongLoRA, arXiv 2309.12307).
  bool train_embeddings = false;  // and the head
  bool train_norms = false;
};

struct ModelOptions {
  Compute compute = Compute::kBF16;
  // Of each layer only its input stays until backward, which computes the rest again.
  bool checkpoint_layers = true;
  // With checkpoint_layers: what attention gave stays too, one hidden vector and `num_heads` floats a token
  // and layer more, and attention, the one part whose cost grows with length, is computed forward once only.
  bool keep_attention = true;
  uint32_t loss_chunk = 1024;  // tokens whose logits exist at a time
  uint32_t ffn_chunk = 4096;  // with checkpoint_layers: tokens whose feed-forward activations exist at a time
  LoraOptions lora;
  // Weights begin as random ones, for training from nothing; else they are zero until load_weights().
  bool draw_weights = false;
  std::string device = "cpu";  // as torch spells it: "cpu", "cuda", "cuda:1"
};

// Throws Error(kArgument) naming the option that cannot be.
void validate(const ModelOptions& options);

// The same model in the form that is trained: halves of a head are rotated together, whatever order the
// file's rows have (loading reorders them). Throws Error(kUnsupported) for an architecture that is not
// trained here: index, llama, qwen2 and qwen3 are.
ModelConfig trainable_config(ModelConfig config);

}  // namespace longscroll::train
