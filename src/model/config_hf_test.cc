#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/config_files.h"
#include "model/test_models.h"

namespace longscroll {
namespace {

using nlohmann::json;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

json llama_json() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"vocab_size", 128},
          {"hidden_size", 64},
          {"num_hidden_layers", 3},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"intermediate_size", 96},
          {"max_position_embeddings", 2048},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 50000.0},
          {"hidden_act", "silu"}};
}

json with(json base, const json& changes) {
  base.merge_patch(changes);
  return base;
}

ParsedConfig parse(const json& config) {
  return config_from_hf(config, "config.json");
}

std::string file_fault(const json& config) {
  return error_of(ErrorKind::kFile, [&] { parse(config); });
}

std::string unsupported(const json& config) {
  return error_of(ErrorKind::kUnsupported, [&] { parse(config); });
}

TEST(ConfigHf, LlamaIsReadAsItStands) {
  const ParsedConfig parsed = parse(llama_json());
  const ModelConfig& config = parsed.config;
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.vocab_size, 128u);
  EXPECT_EQ(config.head_dim, 16u);
  EXPECT_EQ(config.query_size(), 64u);
  EXPECT_EQ(config.kv_size(), 32u);
  EXPECT_EQ(config.max_position, 2048u);
  EXPECT_EQ(config.rms_norm_eps, 1e-5f);
  EXPECT_EQ(config.rope.base, 50000.0);
  EXPECT_EQ(config.rope.rotary_dim, 16u);
  EXPECT_EQ(config.rope_local, config.rope);
  EXPECT_EQ(config.rope_layout, RopeLayout::kHalfSplit);
  EXPECT_EQ(config.query_scale, 0.25f);
  EXPECT_EQ(config.embedding_scale, 1.0f);
  EXPECT_THAT(config.layer_local, ElementsAre(0, 0, 0));
  EXPECT_FALSE(config.tied_head || config.norm_head || config.norm_plus_one || config.qk_norm);
  EXPECT_THAT(parsed.remarks, IsEmpty());
}

TEST(ConfigHf, ModelTypeCountsWhenThereAreNoClasses) {
  EXPECT_EQ(
      parse(with(llama_json(), {{"architectures", nullptr}, {"model_type", "qwen2"}})).config.architecture,
      "qwen2");
}

TEST(ConfigHf, IndexBaseIsSpelledInThreeWays) {
  const json index = with(llama_json(), {{"architectures", {"IndexForCausalLM"}}, {"norm_head", 1}});
  const json no_base = with(index, {{"rope_theta", nullptr}});
  EXPECT_EQ(parse(index).config.rope.base, 50000.0);
  EXPECT_EQ(parse(with(no_base, {{"rope_base", 320000.0}})).config.rope.base, 320000.0);
  EXPECT_EQ(parse(with(no_base, {{"rope_ratio", 32}})).config.rope.base, 320000.0);
  EXPECT_EQ(parse(with(index, {{"rope_ratio", 32}, {"rope_theta", 10000.0}})).config.rope.base, 320000.0);
  EXPECT_EQ(parse(with(index, {{"rope_ratio", 5}})).config.rope.base, 50000.0);
  EXPECT_THAT(file_fault(with(index, {{"rope_ratio", 32}})), HasSubstr("rope_ratio"));
  EXPECT_THAT(file_fault(with(index, {{"rope_base", 320000.0}})), HasSubstr("rope_base"));
  const ParsedConfig assumed = parse(no_base);
  EXPECT_EQ(assumed.config.rope.base, 10000.0);
  EXPECT_THAT(assumed.remarks, ElementsAre(HasSubstr("rotary base not given")));
}

TEST(ConfigHf, IndexNormHeadIsAFlagAndItsAbsenceIsSaid) {
  const json index = with(llama_json(), {{"architectures", {"IndexForCausalLM"}}});
  EXPECT_TRUE(parse(with(index, {{"norm_head", true}})).config.norm_head);
  EXPECT_FALSE(parse(with(index, {{"norm_head", false}})).config.norm_head);
  EXPECT_TRUE(parse(index).config.norm_head);
  EXPECT_THAT(parse(index).remarks, ElementsAre(HasSubstr("norm_head")));
}

TEST(ConfigHf, OldAndNewSpellingsOfScalingAgree) {
  const json scaling = {{"factor", 4.0}, {"original_max_position_embeddings", 512}, {"beta_fast", 24.0}};
  const auto old_form = parse(with(llama_json(), {{"rope_scaling", with(scaling, {{"type", "yarn"}})}}));
  const auto new_form = parse(with(
      llama_json(), {{"rope_theta", nullptr},
                     {"rope_parameters", with(scaling, {{"rope_type", "yarn"}, {"rope_theta", 50000.0}})}}));
  EXPECT_EQ(old_form.config, new_form.config);
  EXPECT_EQ(old_form.config.rope.scaling, RopeScaling::kYarn);
  EXPECT_EQ(old_form.config.rope.original_max_position, 512u);
  EXPECT_EQ(old_form.config.rope.beta_fast, 24.0);
  EXPECT_EQ(old_form.config.rope.factor, 4.0);
}

TEST(ConfigHf, ScalingThatReachesFurtherExtendsTheWindowAndSaysSo) {
  const auto dynamic = parse(with(llama_json(), {{"rope_scaling", {{"type", "dynamic"}, {"factor", 4.0}}}}));
  EXPECT_EQ(dynamic.config.rope.original_max_position, 2048u);
  EXPECT_EQ(dynamic.config.max_position, 8192u);
  EXPECT_THAT(dynamic.remarks, ElementsAre(HasSubstr("window 8192")));
  const auto linear = parse(with(llama_json(), {{"rope_scaling", {{"type", "linear"}, {"factor", 4.0}}}}));
  EXPECT_EQ(linear.config.max_position, 2048u);
}

TEST(ConfigHf, Llama3ScalingNeedsItsFactors) {
  const json scaling = {{"rope_type", "llama3"},
                        {"factor", 8.0},
                        {"low_freq_factor", 1.0},
                        {"high_freq_factor", 4.0},
                        {"original_max_position_embeddings", 1024}};
  const auto parsed = parse(with(llama_json(), {{"rope_scaling", scaling}}));
  EXPECT_EQ(parsed.config.rope.original_max_position, 1024u);
  EXPECT_THAT(
      file_fault(with(llama_json(), {{"rope_scaling", with(scaling, {{"low_freq_factor", nullptr}})}})),
      HasSubstr("low_freq_factor: must be given"));
  EXPECT_THAT(unsupported(with(llama_json(), {{"rope_scaling", with(scaling, {{"rope_type", "longrope"}})}})),
              HasSubstr("is longrope"));
}

json gemma_json() {
  return with(llama_json(), {{"architectures", {"Gemma3ForCausalLM"}},
                             {"num_hidden_layers", 7},
                             {"head_dim", 32},
                             {"query_pre_attn_scalar", 100},
                             {"hidden_act", nullptr},
                             {"hidden_activation", "gelu_pytorch_tanh"},
                             {"rope_theta", 1000000.0},
                             {"rope_local_base_freq", 20000.0},
                             {"sliding_window", 512}});
}

TEST(ConfigHf, GemmaHasLocalLayersTwoBasesAndScales) {
  const ModelConfig config = parse(gemma_json()).config;
  EXPECT_THAT(config.layer_local, ElementsAre(1, 1, 1, 1, 1, 0, 1));
  EXPECT_EQ(config.sliding_window, 512u);
  EXPECT_EQ(config.rope.base, 1000000.0);
  EXPECT_EQ(config.rope_local.base, 20000.0);
  EXPECT_EQ(config.query_scale, 0.1f);
  EXPECT_EQ(config.embedding_scale, 8.0f);
  EXPECT_EQ(config.activation, Activation::kGeluTanh);
  EXPECT_TRUE(config.norm_plus_one && config.qk_norm && config.post_norms && config.tied_head);
}

TEST(ConfigHf, GemmaScalingTouchesOnlyGlobalLayers) {
  const json scaling = {{"rope_type", "linear"}, {"factor", 8.0}};
  const auto old_form = parse(with(gemma_json(), {{"rope_scaling", scaling}})).config;
  EXPECT_EQ(old_form.rope.scaling, RopeScaling::kLinear);
  EXPECT_EQ(old_form.rope_local.scaling, RopeScaling::kNone);
  const json nested = {{"full_attention", with(scaling, {{"rope_theta", 1000000.0}})},
                       {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 20000.0}}}};
  const auto new_form =
      parse(with(gemma_json(),
                 {{"rope_theta", nullptr}, {"rope_local_base_freq", nullptr}, {"rope_parameters", nested}}))
          .config;
  EXPECT_EQ(old_form, new_form);
}

TEST(ConfigHf, GemmaLayerTypesWinOverThePattern) {
  const json types = {"full_attention", "sliding_attention", "full_attention"};
  const json config = with(gemma_json(), {{"num_hidden_layers", 3}, {"layer_types", types}});
  EXPECT_THAT(parse(config).config.layer_local, ElementsAre(0, 1, 0));
  EXPECT_THAT(file_fault(with(config, {{"num_hidden_layers", 4}})), HasSubstr("layer_types"));
  EXPECT_THAT(unsupported(with(config, {{"layer_types", {"full_attention", "linear_attention", "x"}}})),
              HasSubstr("linear_attention"));
  EXPECT_THAT(parse(with(gemma_json(), {{"sliding_window_pattern", 2}})).config.layer_local,
              ElementsAre(1, 0, 1, 0, 1, 0, 1));
}

TEST(ConfigHf, WhatWeDoNotComputeIsRefusedByName) {
  EXPECT_THAT(unsupported(with(llama_json(), {{"architectures", {"MambaForCausalLM"}}})),
              HasSubstr("one of llama, index, qwen2, qwen3, gemma3, is MambaForCausalLM"));
  EXPECT_THAT(unsupported(with(llama_json(), {{"mlp_bias", true}})), HasSubstr("mlp_bias"));
  EXPECT_THAT(unsupported(with(llama_json(), {{"use_sliding_window", true}})),
              HasSubstr("use_sliding_window"));
  EXPECT_THAT(unsupported(with(llama_json(), {{"hidden_act", "relu"}})), HasSubstr("is relu"));
  EXPECT_THAT(unsupported(with(llama_json(), {{"final_logit_softcapping", 30.0}})), HasSubstr("softcapping"));
  EXPECT_THAT(unsupported(with(llama_json(), {{"quantization_config", json::object()}})),
              HasSubstr("quantization_config"));
  EXPECT_EQ(unsupported(with(llama_json(), {{"use_sliding_window", false}, {"sliding_window", 4096}})), "");
}

TEST(ConfigHf, ContradictionsAndNonsenseNameTheField) {
  EXPECT_THAT(file_fault(with(llama_json(), {{"hidden_size", nullptr}})),
              HasSubstr("hidden_size: must be given"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"hidden_size", "64"}})), HasSubstr("hidden_size"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"hidden_size", -64}})), HasSubstr("hidden_size"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"hidden_size", 1ull << 40}})), HasSubstr("hidden_size"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"hidden_size", 1u << 31}, {"head_dim", 16}})),
              HasSubstr("hidden_size"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"num_attention_heads", 0}})), HasSubstr("num_attention_heads"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"num_attention_heads", 5}})), HasSubstr("num_attention_heads"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"num_key_value_heads", 3}})), HasSubstr("num_kv_heads"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"num_hidden_layers", 4000000000u}})),
              HasSubstr("num_hidden_layers"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"head_dim", 15}})), HasSubstr("rotary_dim"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"rope_theta", 0.0}})), HasSubstr("rope.base"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"rms_norm_eps", -1.0}})), HasSubstr("rms_norm_eps"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"tie_word_embeddings", "no"}})),
              HasSubstr("tie_word_embeddings"));
  EXPECT_THAT(file_fault(with(llama_json(), {{"rope_scaling", "linear"}})), HasSubstr("rope_scaling"));
  EXPECT_THAT(file_fault(with(gemma_json(), {{"query_pre_attn_scalar", 0}})), HasSubstr("query_scale"));
  EXPECT_THAT(file_fault(with(gemma_json(), {{"sliding_window", nullptr}})), HasSubstr("sliding_window"));
}

}  // namespace
}  // namespace longscroll
