#include "model/architecture.h"

#include <algorithm>
#include <cassert>

namespace longscroll {
namespace {

using Names = std::vector<TensorName>;
using enum TensorRole;

// What every architecture has.
Names common_names() {
  return {
      {kEmbedding, "model.embed_tokens.weight", "token_embd.weight", true},
      {kFinalNorm, "model.norm.weight", "output_norm.weight", true},
      {kHead, "lm_head.weight", "output.weight", false},
      {kRopeDivisors, "", "rope_freqs.weight", false},
      {kAttentionNorm, "model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", true},
      {kQuery, "model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight", true},
      {kKey, "model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight", true},
      {kValue, "model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight", true},
      {kOutput, "model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight", true},
      {kGate, "model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight", true},
      {kUp, "model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight", true},
      {kDown, "model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight", true},
  };
}

Names operator+(Names left, const Names& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Names plain_ffn_norm() {
  return {{kFfnNorm, "model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight", true}};
}

Names sandwich_norms() {
  return {
      {kPostAttentionNorm, "model.layers.{}.post_attention_layernorm.weight",
       "blk.{}.post_attention_norm.weight", true},
      {kFfnNorm, "model.layers.{}.pre_feedforward_layernorm.weight", "blk.{}.ffn_norm.weight", true},
      {kPostFfnNorm, "model.layers.{}.post_feedforward_layernorm.weight", "blk.{}.post_ffw_norm.weight",
       true},
  };
}

Names input_biases(bool required) {
  return {
      {kQueryBias, "model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias", required},
      {kKeyBias, "model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias", required},
      {kValueBias, "model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias", required},
  };
}

Names output_bias() {
  return {{kOutputBias, "model.layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias", false}};
}

Names qk_norms() {
  return {
      {kQueryNorm, "model.layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight", true},
      {kKeyNorm, "model.layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight", true},
  };
}

Architecture llama_architecture() {
  Architecture row{};
  row.name = "llama";
  row.hf_model_type = "llama";
  row.hf_classes = {"LlamaForCausalLM"};
  row.gguf_name = "llama";
  row.gguf_interleaved = true;
  row.activation = Activation::kSilu;
  row.tensors = common_names() + plain_ffn_norm() + input_biases(false) + output_bias();
  return row;
}

// Llama's block with a row-normalised head. GGUF has no word for that head, so conversion bakes it in
// and the file says "llama".
Architecture index_architecture() {
  Architecture row = llama_architecture();
  row.name = "index";
  row.hf_model_type = "index";
  row.hf_classes = {"IndexForCausalLM"};
  row.norm_head = true;
  return row;
}

Architecture qwen2_architecture() {
  Architecture row{};
  row.name = "qwen2";
  row.hf_model_type = "qwen2";
  row.hf_classes = {"Qwen2ForCausalLM"};
  row.gguf_name = "qwen2";
  row.activation = Activation::kSilu;
  row.tensors = common_names() + plain_ffn_norm() + input_biases(true);
  return row;
}

Architecture qwen3_architecture() {
  Architecture row{};
  row.name = "qwen3";
  row.hf_model_type = "qwen3";
  row.hf_classes = {"Qwen3ForCausalLM"};
  row.gguf_name = "qwen3";
  row.qk_norm = true;
  row.activation = Activation::kSilu;
  row.tensors = common_names() + plain_ffn_norm() + qk_norms() + input_biases(false) + output_bias();
  return row;
}

Architecture gemma3_architecture() {
  Architecture row{};
  row.name = "gemma3";
  row.hf_model_type = "gemma3_text";
  row.hf_classes = {"Gemma3ForCausalLM", "Gemma3TextModel"};
  row.gguf_name = "gemma3";
  row.hf_norm_plus_one = true;
  row.scaled_embedding = true;
  row.qk_norm = true;
  row.post_norms = true;
  row.sliding_window = true;
  row.activation = Activation::kGeluTanh;
  row.tensors = common_names() + sandwich_norms() + qk_norms();
  return row;
}

template <typename Matches>
const Architecture* find_row(Matches matches) {
  const auto rows = architectures();
  const auto found = std::find_if(rows.begin(), rows.end(), matches);
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

std::span<const Architecture> architectures() {
  static const std::vector<Architecture> rows = {llama_architecture(), index_architecture(),
                                                 qwen2_architecture(), qwen3_architecture(),
                                                 gemma3_architecture()};
  return rows;
}

const Architecture* architecture_by_name(std::string_view name) {
  return find_row([&](const Architecture& row) { return row.name == name; });
}

const Architecture* architecture_by_hf_class(std::string_view hf_class) {
  return find_row([&](const Architecture& row) {
    return std::find(row.hf_classes.begin(), row.hf_classes.end(), hf_class) != row.hf_classes.end();
  });
}

const Architecture* architecture_by_hf_model_type(std::string_view model_type) {
  return find_row([&](const Architecture& row) { return row.hf_model_type == model_type; });
}

const Architecture* architecture_by_gguf_name(std::string_view gguf_name) {
  return find_row([&](const Architecture& row) { return row.gguf_name == gguf_name; });
}

std::string architecture_names() {
  std::string names;
  for (const Architecture& row : architectures()) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

std::string tensor_name(std::string_view pattern, size_t layer) {
  std::string name(pattern);
  const size_t hole = name.find("{}");
  if (hole != std::string::npos) name.replace(hole, 2, std::to_string(layer));
  return name;
}

std::vector<uint64_t> tensor_shape(TensorRole role, const ModelConfig& config) {
  const uint64_t hidden = config.hidden_size;
  const uint64_t query = config.query_size();
  const uint64_t kv = config.kv_size();
  switch (role) {
    case kEmbedding:
    case kHead:
      return {config.vocab_size, hidden};
    case kFinalNorm:
    case kAttentionNorm:
    case kPostAttentionNorm:
    case kFfnNorm:
    case kPostFfnNorm:
    case kOutputBias:
      return {hidden};
    case kRopeDivisors:
      return {config.rope.rotary_dim / 2};
    case kQuery:
      return {query, hidden};
    case kKey:
    case kValue:
      return {kv, hidden};
    case kOutput:
      return {hidden, query};
    case kQueryBias:
      return {query};
    case kKeyBias:
    case kValueBias:
      return {kv};
    case kQueryNorm:
    case kKeyNorm:
      return {config.head_dim};
    case kGate:
    case kUp:
      return {config.ffn_size, hidden};
    case kDown:
      return {hidden, config.ffn_size};
  }
  assert(false && "every role has a shape");
  return {};
}

}  // namespace longscroll
