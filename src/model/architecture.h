// The table of architectures. A row says what a model's files call each weight, in a Hugging Face
// directory and in a GGUF file; loading and conversion both read it. A new architecture is a row here
// as long as its block is the engine's: RMS norms, rotary attention, gated feed-forward.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"

namespace longscroll {

enum class TensorRole : uint8_t {
  kEmbedding,
  kFinalNorm,
  kHead,
  kRopeDivisors,  // GGUF's rope_freqs.weight: divisors of the rotary frequencies
  kAttentionNorm,
  kPostAttentionNorm,
  kFfnNorm,
  kPostFfnNorm,
  kQuery,
  kKey,
  kValue,
  kOutput,
  kQueryBias,
  kKeyBias,
  kValueBias,
  kOutputBias,
  kQueryNorm,
  kKeyNorm,
  kGate,
  kUp,
  kDown,
};

// "{}" stands for the layer's number. An empty name: that form of file has no such tensor.
struct TensorName {
  TensorRole role;
  std::string_view hf;
  std::string_view gguf;
  bool required;

  bool per_layer() const { return role >= TensorRole::kAttentionNorm; }
};

struct Architecture {
  std::string_view name;
  std::string_view hf_model_type;
  std::vector<std::string_view> hf_classes;  // of "architectures" in config.json
  std::string_view gguf_name;                // two rows may share one: the first is read, all are written
  bool gguf_interleaved;                     // GGUF's converters reorder query and key rows into pairs
  bool hf_norm_plus_one;                     // Hugging Face stores norm weights as w and uses 1 + w
  bool scaled_embedding;                     // by sqrt(hidden)
  bool qk_norm;
  bool post_norms;
  bool sliding_window;  // some layers are local
  bool norm_head;
  Activation activation;
  std::vector<TensorName> tensors;
};

std::span<const Architecture> architectures();

// Null when the table has none.
const Architecture* architecture_by_name(std::string_view name);
const Architecture* architecture_by_hf_class(std::string_view hf_class);
const Architecture* architecture_by_hf_model_type(std::string_view model_type);
const Architecture* architecture_by_gguf_name(std::string_view gguf_name);

// "index, llama, …" for messages.
std::string architecture_names();

// The name with the layer's number filled in.
std::string tensor_name(std::string_view pattern, size_t layer);

// Outermost dimension first: [rows, cols] for matrices, [n] for vectors.
std::vector<uint64_t> tensor_shape(TensorRole role, const ModelConfig& config);

}  // namespace longscroll
