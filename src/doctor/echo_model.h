// For tests: a model whose every weight is known and that predicts a text of period kPeriod almost surely, by
// its rotation alone. So it does what a trained model does when it is read rightly, and fails when it is not.
//
// Letters: D = 96 hidden, H = 32 head dimension, N = 2 heads, F = 64 ffn, V = 261 vocabulary.
//
// Hidden: [0, 32) a code of ±1 for the token, [32, 64) the code of what is predicted, 64 a constant. Queries
// and keys come from the constant alone: pair i of a key stands at the angle theta_i · (kPeriod - 1), so that
// of all keys the one that far back gets the largest product, since there all pairs agree. Its code is copied
// into the second field, which the head reads. The feed-forward part does next to nothing, and all layers are
// alike.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/token_id.h"
#include "base/utf8.h"
#include "formats/gguf.h"
#include "model/conversion.h"
#include "model/test_models.h"

namespace longscroll::doctor::test {

using longscroll::test::TempFolder;

inline constexpr size_t kPeriod = 16;
inline constexpr uint64_t kHidden = 96, kHeadDim = 32, kHeads = 2, kFfn = 64, kLayers = 4, kCode = 32;
inline constexpr uint64_t kEndOfText = 256, kImStart = 257, kImEnd = 258, kBegin = 259, kEnd = 260,
                          kVocab = 261;

struct EchoOptions {
  double trained_base = 10000.0;  // that the keys' angles are made for
  bool half_split = false;        // pairs half a head apart, which GGUF's llama has side by side
  bool varied_head = false;       // rows of any length: for a head that divides them by it
  double far_pull = 0;            // of distant keys: the model fails where they win
  double key_outlier = 0;         // a part of every key that no query asks for
  int damaged_layer = -1;
  GgufMetadata metadata = {};  // in place of the sound file's
};

class EchoWeights {
 public:
  explicit EchoWeights(const EchoOptions& options) : options_(options) {
    std::mt19937 random(7);
    codes_.resize(kVocab * kCode);
    for (float& bit : codes_) bit = random() % 2 == 0 ? 1.0f : -1.0f;
  }

  std::vector<TensorToWrite> tensors() const {
    std::vector<TensorToWrite> all;
    all.push_back(tensor("token_embd", kVocab, kHidden, [this](std::vector<float>& w) {
      for (size_t v = 0; v < kVocab; ++v) {
        for (size_t i = 0; i < kCode; ++i) w[v * kHidden + i] = codes_[v * kCode + i];
        w[v * kHidden + 2 * kCode] = 4.0f;
      }
    }));
    all.push_back(
        norm("output_norm", options_.varied_head ? 0.5f * std::sqrt(static_cast<float>(kCode)) : 1.0f));
    all.push_back(tensor("output", kVocab, kHidden, [this](std::vector<float>& w) {
      std::mt19937 random(11);
      for (size_t v = 0; v < kVocab; ++v) {
        const float length = options_.varied_head ? std::exp2(static_cast<float>(random() % 7) - 3.0f) : 0.5f;
        for (size_t i = 0; i < kCode; ++i) w[v * kHidden + kCode + i] = length * codes_[v * kCode + i];
      }
    }));
    for (size_t layer = 0; layer < kLayers; ++layer) add_layer(layer, all);
    return all;
  }

 private:
  static TensorToWrite tensor(const std::string& name, uint64_t rows, uint64_t cols,
                              const std::function<void(std::vector<float>&)>& fill) {
    std::vector<float> values(rows * cols);
    fill(values);
    return {name + ".weight", DType::kF32, {rows, cols}, [values](const auto& sink) {
              sink(std::as_bytes(std::span(values)));
            }};
  }

  static TensorToWrite norm(const std::string& name, float value) {
    const std::vector<float> values(kHidden, value);
    return {name + ".weight", DType::kF32, {kHidden}, [values](const auto& sink) {
              sink(std::as_bytes(std::span(values)));
            }};
  }

  // Where the two numbers of pair i lie in a head.
  std::pair<size_t, size_t> pair_at(size_t i) const {
    return options_.half_split ? std::pair(i, i + kHeadDim / 2) : std::pair(2 * i, 2 * i + 1);
  }

  void fill_query(std::vector<float>& w) const {
    for (size_t n = 0; n < kHeads; ++n) {
      for (size_t i = 0; i + 1 < kHeadDim / 2; ++i)
        w[(n * kHeadDim + pair_at(i).first) * kHidden + 2 * kCode] = kStrength;
    }
  }

  void fill_key(std::vector<float>& w) const {
    for (size_t n = 0; n < kHeads; ++n) {
      for (size_t i = 0; i < kHeadDim / 2; ++i) {
        const double theta = std::pow(options_.trained_base, -2.0 * static_cast<double>(i) / kHeadDim);
        double angle = theta * (kPeriod - 1), size = kStrength;
        if (i == kPullPair && options_.far_pull > 0) {
          angle = M_PI;  // least for the nearest, most for keys pi / theta away
          size *= options_.far_pull;
        }
        if (i + 1 == kHeadDim / 2) size = kStrength * options_.key_outlier;  // queries have nothing there
        const auto [first, second] = pair_at(i);
        w[(n * kHeadDim + first) * kHidden + 2 * kCode] = static_cast<float>(size * std::cos(angle));
        w[(n * kHeadDim + second) * kHidden + 2 * kCode] = static_cast<float>(size * std::sin(angle));
      }
    }
  }

  void add_layer(size_t layer, std::vector<TensorToWrite>& all) const {
    const std::string block = "blk." + std::to_string(layer) + ".";
    all.push_back(norm(block + "attn_norm", 1.0f));
    all.push_back(norm(block + "ffn_norm", 1.0f));
    all.push_back(tensor(block + "attn_q", kHidden2(), kHidden, [this](auto& w) { fill_query(w); }));
    all.push_back(tensor(block + "attn_k", kHidden2(), kHidden, [this](auto& w) { fill_key(w); }));
    all.push_back(tensor(block + "attn_v", kHidden2(), kHidden, [](auto& w) {
      for (size_t n = 0; n < kHeads; ++n)
        for (size_t i = 0; i < kCode; ++i) w[(n * kHeadDim + i) * kHidden + i] = 1.0f;
    }));
    all.push_back(tensor(block + "attn_output", kHidden, kHidden2(), [](auto& w) {
      for (size_t n = 0; n < kHeads; ++n)
        for (size_t i = 0; i < kCode; ++i) w[(kCode + i) * kHidden2() + n * kHeadDim + i] = 0.1f;
    }));
    const float size = static_cast<int>(layer) == options_.damaged_layer ? 20.0f : 0.02f;
    const auto noise = [layer](uint32_t seed, float scale) {
      return [=](std::vector<float>& w) {
        std::mt19937 random(seed + static_cast<uint32_t>(layer));
        for (float& value : w) value = (static_cast<float>(random() >> 8) / (1 << 23) - 1.0f) * scale;
      };
    };
    all.push_back(tensor(block + "ffn_gate", kFfn, kHidden, noise(100, size)));
    all.push_back(tensor(block + "ffn_up", kFfn, kHidden, noise(200, size)));
    all.push_back(tensor(block + "ffn_down", kHidden, kFfn, noise(300, size)));
  }

  static constexpr uint64_t kHidden2() { return kHeads * kHeadDim; }

  // Queries and keys are this times the normed constant, about 5.7 in the first layer: products of neighbours
  // then differ by ten nats.
  static constexpr float kStrength = 1.57f;
  static constexpr size_t kPullPair = 11;  // base 10000: half a turn is 1,767 tokens

  EchoOptions options_;
  std::vector<float> codes_;  // [V][32]
};

inline std::vector<std::string> echo_tokens() {
  std::vector<std::string> tokens;
  uint32_t spare = 256;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool plain = (byte >= 33 && byte < 127) || (byte >= 161 && byte < 173) || byte >= 174;
    append_utf8(tokens.emplace_back(), plain ? byte : spare++);
  }
  for (const char* mark : {"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>"})
    tokens.emplace_back(mark);
  return tokens;
}

inline GgufMetadata echo_metadata() {
  std::vector<int64_t> types(256, 1);
  types.resize(kVocab, 3);
  return {{"general.architecture", std::string("llama")},
          {"llama.context_length", uint64_t{4096}},
          {"llama.embedding_length", kHidden},
          {"llama.block_count", kLayers},
          {"llama.feed_forward_length", kFfn},
          {"llama.attention.head_count", kHeads},
          {"llama.attention.head_count_kv", kHeads},
          {"llama.attention.key_length", kHeadDim},
          {"llama.attention.value_length", kHeadDim},
          {"llama.attention.layer_norm_rms_epsilon", 1e-6},
          {"llama.rope.dimension_count", kHeadDim},
          {"llama.rope.freq_base", 10000.0},
          {"llama.vocab_size", kVocab},
          {"tokenizer.ggml.model", std::string("gpt2")},
          {"tokenizer.ggml.pre", std::string("qwen2")},
          {"tokenizer.ggml.tokens", echo_tokens()},
          {"tokenizer.ggml.token_type", types},
          {"tokenizer.ggml.merges", std::vector<std::string>{}},
          {"tokenizer.ggml.bos_token_id", kBegin},
          {"tokenizer.ggml.eos_token_id", kEnd},
          {"tokenizer.ggml.add_bos_token", true},
          {"tokenizer.chat_template", std::string("<|im_start|>user ?<|im_end|>")}};
}

// A GGUF file.
inline std::filesystem::path write_echo(const TempFolder& folder, const EchoOptions& options = {}) {
  GgufMetadata metadata = echo_metadata();
  for (const auto& [key, value] : options.metadata) metadata[key] = value;
  const std::filesystem::path path = folder.path() / "echo.gguf";
  write_gguf(path, metadata, EchoWeights(options).tensors());
  return path;
}

// A Hugging Face directory, with `config` over what its config.json says.
inline std::filesystem::path write_echo_directory(const TempFolder& folder, const EchoOptions& options,
                                                  const nlohmann::json& config) {
  const std::filesystem::path directory = folder.path() / "echo";
  convert_model(write_echo(folder, options), directory, {.to = ModelForm::kHuggingFace, .type = DType::kF32});
  auto object = nlohmann::json::parse(std::ifstream(directory / "config.json"));
  if (config.is_object()) object.update(config);
  std::ofstream(directory / "config.json") << object;
  return directory;
}

inline std::vector<TokenId> echo_text(size_t tokens) {
  std::vector<TokenId> ids = {static_cast<TokenId>(kBegin)};
  while (ids.size() < tokens)
    ids.push_back(static_cast<TokenId>("period of sixteen"[(ids.size() * 5) % kPeriod]));
  return ids;
}

}  // namespace longscroll::doctor::test
