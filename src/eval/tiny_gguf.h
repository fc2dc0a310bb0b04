// For tests: a random llama of two layers with a token for each byte, as one GGUF file.
#pragma once

#include <random>

#include "formats/gguf.h"
#include "model/model.h"
#include "model/test_models.h"

namespace longscroll::test {

inline std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  uint32_t spare = 256;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool plain = (byte >= 33 && byte < 127) || (byte >= 161 && byte < 173) || byte >= 174;
    std::string& token = tokens.emplace_back();
    append_utf8(token, plain ? byte : spare++);
  }
  return tokens;
}

enum class TinyForm { kBase, kChatML, kLlama3 };
inline constexpr TokenId kTinyBos = 256, kTinyEnd = 259;

inline TensorToWrite random_tensor(std::string name, std::vector<uint64_t> shape, uint32_t seed) {
  const size_t count = *checked_product(shape);
  const bool is_norm = shape.size() == 1;
  auto produce = [count, seed, is_norm](const auto& sink) {
    std::mt19937 random(seed);
    std::vector<float> values(count, 1.0f);
    for (float& value : values) {
      if (!is_norm) value = (static_cast<float>(random() >> 8) / (1 << 24) - 0.5f) * 0.9f;
    }
    sink(std::as_bytes(std::span(values)));
  };
  return {std::move(name), DType::kF32, std::move(shape), std::move(produce)};
}

// Every form but ChatML puts a BOS before a text.
inline std::shared_ptr<const Model> tiny_model(const TempFolder& folder, TinyForm form,
                                               uint64_t window = 4096) {
  std::vector<std::string> tokens = byte_tokens();
  for (const char* mark : {"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
                           "<|im_start|>", "<|im_end|>"}) {
    tokens.emplace_back(mark);
  }
  std::vector<int64_t> types(256, 1);
  types.resize(tokens.size(), 3);
  const uint64_t vocab = tokens.size(), hidden = 64, ffn = 96;
  GgufMetadata metadata = {{"general.architecture", std::string("llama")},
                           {"llama.context_length", window},
                           {"llama.embedding_length", hidden},
                           {"llama.block_count", uint64_t{2}},
                           {"llama.feed_forward_length", ffn},
                           {"llama.attention.head_count", uint64_t{2}},
                           {"llama.attention.head_count_kv", uint64_t{2}},
                           {"llama.attention.layer_norm_rms_epsilon", 1e-6},
                           {"llama.rope.dimension_count", uint64_t{32}},
                           {"llama.rope.freq_base", 10000.0},
                           {"llama.vocab_size", vocab},
                           {"tokenizer.ggml.model", std::string("gpt2")},
                           {"tokenizer.ggml.pre", std::string("qwen2")},
                           {"tokenizer.ggml.tokens", tokens},
                           {"tokenizer.ggml.token_type", types},
                           {"tokenizer.ggml.merges", std::vector<std::string>{}},
                           {"tokenizer.ggml.bos_token_id", uint64_t{kTinyBos}},
                           {"tokenizer.ggml.eos_token_id", uint64_t{kTinyEnd}},
                           {"tokenizer.ggml.add_bos_token", form != TinyForm::kChatML}};
  if (form == TinyForm::kChatML) metadata["tokenizer.chat_template"] = std::string("<|im_start|>");
  if (form == TinyForm::kLlama3) metadata["tokenizer.chat_template"] = std::string("<|start_header_id|>");
  std::vector<TensorToWrite> tensors;
  uint32_t seed = 1;
  const auto add = [&](const std::string& name, std::vector<uint64_t> shape) {
    tensors.push_back(random_tensor(name + ".weight", std::move(shape), seed++));
  };
  add("token_embd", {vocab, hidden});
  add("output_norm", {hidden});
  add("output", {vocab, hidden});
  for (const std::string block : {"blk.0.", "blk.1."}) {
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"})
      add(block + name, {hidden, hidden});
    for (const char* name : {"ffn_gate", "ffn_up"}) add(block + name, {ffn, hidden});
    add(block + "ffn_down", {hidden, ffn});
    for (const char* name : {"attn_norm", "ffn_norm"}) add(block + name, {hidden});
  }
  const auto path = folder.path() / "tiny.gguf";
  write_gguf(path, metadata, tensors);
  LoadOptions load;
  load.need_tokenizer = true;
  return load_model(path, load);
}

}  // namespace longscroll::test
