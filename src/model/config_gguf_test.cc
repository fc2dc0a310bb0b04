#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/config_files.h"
#include "model/test_models.h"

namespace longscroll {
namespace {

using test::counting_tensor;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

GgufMetadata metadata_of(const std::string& architecture) {
  const auto key = [&](const char* name) { return architecture + "." + name; };
  return {{"general.architecture", architecture},
          {key("context_length"), uint64_t{2048}},
          {key("embedding_length"), uint64_t{64}},
          {key("block_count"), uint64_t{7}},
          {key("feed_forward_length"), uint64_t{96}},
          {key("attention.head_count"), uint64_t{4}},
          {key("attention.head_count_kv"), uint64_t{2}},
          {key("attention.layer_norm_rms_epsilon"), 0.0009765625},
          {key("rope.freq_base"), 50000.0}};
}

class ConfigGguf : public testing::Test {
 protected:
  ParsedConfig parse(const GgufMetadata& metadata) {
    const auto path = folder_.path() / "model.gguf";
    write_gguf(path, metadata, tensors_);
    return config_from_gguf(GgufFile(path));
  }

  std::string fault(ErrorKind kind, const GgufMetadata& metadata) {
    return error_of(kind, [&] { parse(metadata); });
  }

  std::vector<TensorToWrite> tensors_ = {counting_tensor("token_embd.weight", {128, 64})};
  test::TempFolder folder_;
};

TEST_F(ConfigGguf, LlamaIsReadAsItStands) {
  const ParsedConfig parsed = parse(metadata_of("llama"));
  const ModelConfig& config = parsed.config;
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.vocab_size, 128u);
  EXPECT_EQ(config.hidden_size, 64u);
  EXPECT_EQ(config.num_layers, 7u);
  EXPECT_EQ(config.head_dim, 16u);
  EXPECT_EQ(config.ffn_size, 96u);
  EXPECT_EQ(config.max_position, 2048u);
  EXPECT_EQ(config.rms_norm_eps, 0.0009765625f);
  EXPECT_EQ(config.rope.base, 50000.0);
  EXPECT_EQ(config.rope.scaling, RopeScaling::kNone);
  EXPECT_EQ(config.rope_layout, RopeLayout::kInterleaved);
  EXPECT_EQ(config.query_scale, 0.25f);
  EXPECT_TRUE(config.tied_head);
  EXPECT_FALSE(config.norm_head || config.norm_plus_one);
  EXPECT_THAT(parsed.remarks, IsEmpty());
}

TEST_F(ConfigGguf, OnlyLlamaIsInterleaved) {
  EXPECT_EQ(parse(metadata_of("qwen2")).config.rope_layout, RopeLayout::kHalfSplit);
  EXPECT_EQ(parse(metadata_of("qwen3")).config.rope_layout, RopeLayout::kHalfSplit);
}

TEST_F(ConfigGguf, AnOutputMatrixMeansAnUntiedHead) {
  tensors_.push_back(counting_tensor("output.weight", {128, 64}));
  EXPECT_FALSE(parse(metadata_of("llama")).config.tied_head);
}

TEST_F(ConfigGguf, GemmaHasItsPatternAndBases) {
  GgufMetadata metadata = metadata_of("gemma3");
  metadata["gemma3.attention.key_length"] = uint64_t{256};
  metadata["gemma3.attention.value_length"] = uint64_t{256};
  metadata["gemma3.attention.sliding_window"] = uint64_t{512};
  const ModelConfig config = parse(metadata).config;
  EXPECT_THAT(config.layer_local, ElementsAre(1, 1, 1, 1, 1, 0, 1));
  EXPECT_EQ(config.sliding_window, 512u);
  EXPECT_EQ(config.query_scale, 1.0f / 16.0f);
  EXPECT_EQ(config.rope.base, 50000.0);
  EXPECT_EQ(config.rope_local.base, 10000.0);
  EXPECT_EQ(config.rope_local.rotary_dim, 256u);
  EXPECT_FALSE(config.norm_plus_one);
  EXPECT_TRUE(config.qk_norm && config.post_norms);
  metadata["gemma3.attention.scale"] = 0.125;
  metadata["gemma3.attention.sliding_window_pattern"] = uint64_t{2};
  metadata["gemma3.rope.freq_base_swa"] = 20000.0;
  const ModelConfig changed = parse(metadata).config;
  EXPECT_EQ(changed.query_scale, 0.125f);
  EXPECT_THAT(changed.layer_local, ElementsAre(1, 0, 1, 0, 1, 0, 1));
  EXPECT_EQ(changed.rope_local.base, 20000.0);
}

TEST_F(ConfigGguf, ScalingIsReadAndZeroMeansNone) {
  GgufMetadata metadata = metadata_of("llama");
  metadata["llama.rope.scaling.type"] = std::string("linear");
  metadata["llama.rope.scaling.factor"] = 4.0;
  EXPECT_EQ(parse(metadata).config.rope.scaling, RopeScaling::kLinear);
  EXPECT_EQ(parse(metadata).config.rope.factor, 4.0);
  metadata["llama.rope.scaling.factor"] = 0.0;
  EXPECT_EQ(parse(metadata).config.rope.scaling, RopeScaling::kNone);
  metadata["llama.rope.scaling.type"] = std::string("yarn");
  metadata["llama.rope.scaling.factor"] = 4.0;
  metadata["llama.rope.scaling.original_context_length"] = uint64_t{512};
  const RopeConfig yarn = parse(metadata).config.rope;
  EXPECT_EQ(yarn.original_max_position, 512u);
  EXPECT_EQ(yarn.attention_factor, std::nullopt);
  metadata["llama.rope.scaling.attn_factor"] = 0.5;
  EXPECT_DOUBLE_EQ(parse(metadata).config.rope.attention_factor.value(), 0.5 * (1.0 + 0.1 * std::log(4.0)));
  metadata["llama.rope.scaling.type"] = std::string("longrope");
  EXPECT_THAT(fault(ErrorKind::kUnsupported, metadata), HasSubstr("is longrope"));
}

TEST_F(ConfigGguf, FrequencyDivisorsAreRead) {
  tensors_.push_back(counting_tensor("rope_freqs.weight", {8}, 1.0f));
  const RopeConfig rope = parse(metadata_of("llama")).config.rope;
  ASSERT_EQ(rope.frequency_divisors.size(), 8u);
  EXPECT_EQ(rope.frequency_divisors[7], 1.0f + 7.0f / 64.0f);
  tensors_.back() = counting_tensor("rope_freqs.weight", {4}, 1.0f);
  EXPECT_THAT(fault(ErrorKind::kFile, metadata_of("llama")), HasSubstr("frequency_divisors"));
}

TEST_F(ConfigGguf, FaultsNameTheKey) {
  GgufMetadata metadata = metadata_of("llama");
  metadata.erase("llama.block_count");
  EXPECT_THAT(fault(ErrorKind::kFile, metadata), HasSubstr("llama.block_count: must be given"));
  metadata = metadata_of("llama");
  metadata["llama.block_count"] = uint64_t{1} << 40;
  EXPECT_THAT(fault(ErrorKind::kFile, metadata), HasSubstr("llama.block_count"));
  metadata = metadata_of("llama");
  metadata["llama.block_count"] = uint64_t{100000};
  EXPECT_THAT(fault(ErrorKind::kFile, metadata), HasSubstr("llama.block_count"));
  metadata = metadata_of("llama");
  metadata["llama.attention.head_count"] = uint64_t{0};
  EXPECT_THAT(fault(ErrorKind::kFile, metadata), HasSubstr("llama.attention.head_count"));
  metadata = metadata_of("llama");
  metadata["llama.attention.value_length"] = uint64_t{8};
  EXPECT_THAT(fault(ErrorKind::kUnsupported, metadata), HasSubstr("llama.attention.value_length"));
  metadata = metadata_of("llama");
  metadata["llama.expert_count"] = uint64_t{8};
  EXPECT_THAT(fault(ErrorKind::kUnsupported, metadata), HasSubstr("llama.expert_count"));
  EXPECT_THAT(fault(ErrorKind::kUnsupported, metadata_of("mamba")), HasSubstr("is mamba"));
}

TEST_F(ConfigGguf, MoreTokensThanEmbeddingRowsIsAFault) {
  GgufMetadata metadata = metadata_of("llama");
  metadata["tokenizer.ggml.tokens"] = std::vector<std::string>(129, "x");
  EXPECT_THAT(fault(ErrorKind::kFile, metadata),
              HasSubstr("must be at most the embedding's 128 rows, are 129"));
  tensors_.clear();
  tensors_.push_back(counting_tensor("other", {4}));
  EXPECT_THAT(fault(ErrorKind::kFile, metadata_of("llama")), HasSubstr("token_embd.weight"));
}

}  // namespace
}  // namespace longscroll
