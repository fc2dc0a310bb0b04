// What a model is: one plain struct, whatever file it came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rope/rope.h"

namespace longscroll {

enum class Activation { kSilu, kGeluTanh };
enum class RopeLayout { kHalfSplit, kInterleaved };  // which dimensions of a head form a pair

struct ModelConfig {
  std::string architecture;  // a key of the architecture table: "index", "llama", "qwen2", "qwen3", "gemma3"
  uint32_t vocab_size = 0;
  uint32_t hidden_size = 0;
  uint32_t num_layers = 0;
  uint32_t num_heads = 0;
  uint32_t num_kv_heads = 0;  // divides num_heads
  uint32_t head_dim = 0;
  uint32_t ffn_size = 0;
  uint32_t max_position = 0;  // the window
  float rms_norm_eps = 1e-6f;
  Activation activation = Activation::kSilu;

  RopeConfig rope;        // global layers
  RopeConfig rope_local;  // sliding-window layers; equal to rope where the model has none
  RopeLayout rope_layout = RopeLayout::kHalfSplit;

  uint32_t sliding_window = 0;       // 0: every layer sees all
  std::vector<uint8_t> layer_local;  // [num_layers], 1 where the layer uses the sliding window

  float embedding_scale =
      1.0f;                    // multiplies the embedding (Gemma: sqrt(hidden), rounded to bf16 as published)
  float query_scale = 0.0f;    // multiplies q·k, usually 1 / sqrt(head_dim)
  bool norm_plus_one = false;  // the file stores norm weights as w, the model uses 1 + w
  bool qk_norm = false;
  bool key_bias = false;  // settled by the tensors that there are
  bool post_norms = false;
  bool tied_head = false;
  bool norm_head = false;  // each head row divided by its L2 norm (Index)

  uint32_t query_size() const { return num_heads * head_dim; }
  uint32_t kv_size() const { return num_kv_heads * head_dim; }
  bool operator==(const ModelConfig&) const = default;
};

// Throws Error(kFile), naming `where` and the field, when sizes contradict each other or are absurd.
void validate(const ModelConfig& config, std::string_view where);

}  // namespace longscroll
