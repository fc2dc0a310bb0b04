#include "train/language_model.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "base/error.h"
#include "train/test_models.h"

namespace longscroll::train {
namespace {

using test::document_of;
using test::gradients_of;
using test::largest_distance;
using test::loss_gradients;
using test::make_model;
using test::plain_options;
using test::random_pack;
using torch::Tensor;

// Two orders of adding the same float32 numbers, some hundreds of them, through two layers.
constexpr double kOrderTolerance = 1e-6;
// The same cut into many more sums, whose rounding the layer below hands on.
constexpr double kChunksTolerance = 3e-6;

using Gradients = std::map<std::string, Tensor>;

class Architectures : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, Architectures, testing::Values("index", "llama", "qwen2", "qwen3"));

TEST_P(Architectures, NamesAreThoseOfAHuggingFaceDirectory) {
  const LanguageModel model = make_model(GetParam(), plain_options());
  const auto parameters = model.named_parameters();
  EXPECT_TRUE(parameters.contains("model.embed_tokens.weight"));
  EXPECT_TRUE(parameters.contains("model.layers.1.mlp.down_proj.weight"));
  EXPECT_TRUE(parameters.contains("model.norm.weight"));
  const std::string name = GetParam();
  EXPECT_EQ(parameters.contains("model.layers.0.self_attn.q_proj.bias"), name == "qwen2");
  EXPECT_EQ(parameters.contains("model.layers.0.self_attn.k_norm.weight"), name == "qwen3");
  EXPECT_EQ(parameters.contains("lm_head.weight"), name != "qwen2");
}

TEST_P(Architectures, APackIsTheSumOfItsDocuments) {
  LanguageModel model = make_model(GetParam(), plain_options());
  const data::Pack pack = random_pack({17, 1, 40, 6}, model.config().vocab_size, 3);
  const double whole = model.loss_sum(pack).item<double>();
  const Gradients together = loss_gradients(model, pack);
  model.zero_grad();
  double sum = 0.0;
  for (const size_t d : {0u, 2u, 3u}) {  // the second has nothing to predict
    const Tensor loss = model.loss_sum(document_of(pack, d));
    loss.backward();
    sum += loss.item<double>();
  }
  EXPECT_NEAR(whole, sum, kOrderTolerance * sum);
  EXPECT_LT(largest_distance(together, gradients_of(model)), kOrderTolerance);
}

TEST_P(Architectures, CheckpointingChangesNoGradient) {
  ModelOptions options = plain_options();
  LanguageModel plain = make_model(GetParam(), options);
  const data::Pack pack = random_pack({33, 20}, plain.config().vocab_size, 4);
  const Gradients expected = loss_gradients(plain, pack);
  options.checkpoint_layers = true;
  for (const bool keep_attention : {false, true}) {
    for (const uint32_t ffn_chunk : {7u, 4096u}) {
      options.keep_attention = keep_attention;
      options.ffn_chunk = ffn_chunk;
      LanguageModel checkpointed = make_model(GetParam(), options);
      EXPECT_LT(largest_distance(loss_gradients(checkpointed, pack), expected), kChunksTolerance)
          << keep_attention << " " << ffn_chunk;
    }
  }
}

TEST_P(Architectures, ChunksOfTheLossChangeNoGradient) {
  ModelOptions options = plain_options();
  LanguageModel whole = make_model(GetParam(), options);
  const data::Pack pack = random_pack({33, 20}, whole.config().vocab_size, 5);
  const Gradients expected = loss_gradients(whole, pack);
  options.loss_chunk = 5;
  LanguageModel chunked = make_model(GetParam(), options);
  EXPECT_LT(largest_distance(loss_gradients(chunked, pack), expected), kOrderTolerance);
}

TEST_P(Architectures, Bf16IsNearFloat32) {
  ModelOptions options = plain_options();
  LanguageModel exact = make_model(GetParam(), options);
  const data::Pack pack = random_pack({33, 20}, exact.config().vocab_size, 6);
  const double expected_loss = exact.loss_sum(pack).item<double>();
  const Gradients expected = loss_gradients(exact, pack);
  options.compute = Compute::kBF16;
  options.checkpoint_layers = true;
  LanguageModel rounded = make_model(GetParam(), options);
  EXPECT_NEAR(rounded.loss_sum(pack).item<double>(), expected_loss, 0.02 * expected_loss);
  const Gradients found = loss_gradients(rounded, pack);
  for (const auto& [name, value] : found) EXPECT_EQ(value.scalar_type(), torch::kFloat) << name;
  // Some ten roundings to 8 bits on the way through two layers and back, through a saturated softmax.
  EXPECT_LT(largest_distance(found, expected), 0.15);
}

TEST(LanguageModel, AnotherDocumentLeavesALossBitIdentical) {
  for (const bool checkpoint : {false, true}) {
    ModelOptions options = plain_options();
    options.checkpoint_layers = checkpoint;
    LanguageModel model = make_model("qwen3", options);
    const data::Pack pack = random_pack({12, 30, 9}, model.config().vocab_size, 8);
    data::Pack other = pack;
    for (size_t t = pack.starts[1]; t < pack.starts[2]; ++t)
      other.ids[t] = (pack.ids[t] + 1) % static_cast<TokenId>(model.config().vocab_size);
    const Tensor before = model.document_log_probs(pack), after = model.document_log_probs(other);
    EXPECT_EQ(before[0].item<float>(), after[0].item<float>());
    EXPECT_NE(before[1].item<float>(), after[1].item<float>());
    EXPECT_EQ(before[2].item<float>(), after[2].item<float>());
  }
}

TEST(LanguageModel, ALaterTokenChangesNoEarlierPrediction) {
  LanguageModel model = make_model("llama", plain_options());
  data::Pack pack = random_pack({20}, model.config().vocab_size, 9);
  const std::vector<uint32_t> positions = {0, 5, 9};
  const Tensor before = model.logits(pack, positions);
  pack.ids[10] = (pack.ids[10] + 1) % static_cast<TokenId>(model.config().vocab_size);
  EXPECT_TRUE(torch::equal(before, model.logits(pack, positions)));
}

TEST(LanguageModel, PaddingAndPromptTailsChangeNothing) {
  LanguageModel model = make_model("llama", plain_options());
  const data::Pack pack = random_pack({20, 11}, model.config().vocab_size, 10);
  data::Pack padded = pack;
  padded.starts.push_back(31);
  padded.ids.resize(64, 0);
  padded.targets.resize(64, data::kIgnored);
  EXPECT_EQ(model.loss_sum(pack).item<float>(), model.loss_sum(padded).item<float>());
}

TEST(LanguageModel, DocumentLogProbabilitiesAddUpToTheLoss) {
  LanguageModel model = make_model("index", plain_options());
  const data::Pack pack = random_pack({20, 1, 11}, model.config().vocab_size, 11);
  const Gradients expected = loss_gradients(model, pack);
  const Tensor log_probs = model.document_log_probs(pack);
  ASSERT_EQ(log_probs.numel(), 3);
  EXPECT_EQ(log_probs[1].item<float>(), 0.0f);
  EXPECT_NEAR(-log_probs.sum().item<double>(), model.loss_sum(pack).item<double>(), 1e-4);
  model.zero_grad();
  (-log_probs.sum()).backward();
  EXPECT_LT(largest_distance(gradients_of(model), expected), kOrderTolerance);
}

TEST(LanguageModel, AccumulatedPacksAreOneSum) {
  ModelOptions options = plain_options();
  options.checkpoint_layers = true;
  LanguageModel model = make_model("qwen2", options);
  const data::Pack pack = random_pack({9, 8, 7, 6}, model.config().vocab_size, 12);
  const Gradients expected = loss_gradients(model, pack);
  model.zero_grad();
  for (size_t d = 0; d < 4; ++d) model.loss_sum(document_of(pack, d)).backward();
  EXPECT_LT(largest_distance(gradients_of(model), expected), kOrderTolerance);
}

TEST(LanguageModel, EvaluationComputesTheSameLoss) {
  ModelOptions options = plain_options();
  options.checkpoint_layers = true;
  options.ffn_chunk = 16;
  LanguageModel model = make_model("index", options);
  const data::Pack pack = random_pack({33, 20}, model.config().vocab_size, 13);
  const double training = model.loss_sum(pack).item<double>();
  const torch::NoGradGuard no_grad;
  EXPECT_NEAR(model.loss_sum(pack).item<double>(), training, kOrderTolerance * training);
}

TEST(LanguageModel, APackWithoutTargetsHasNoLossAndNoGradient) {
  LanguageModel model = make_model("llama", plain_options());
  data::Pack pack = random_pack({9}, model.config().vocab_size, 14);
  std::ranges::fill(pack.targets, data::kIgnored);
  const Tensor loss = model.loss_sum(pack);
  loss.backward();
  EXPECT_EQ(loss.item<float>(), 0.0f);
  for (const auto& [name, gradient] : gradients_of(model))
    EXPECT_EQ(gradient.abs().max().item<float>(), 0.0f) << name;
}

ModelOptions lora_options() {
  ModelOptions options = plain_options();
  options.lora.rank = 4;
  options.lora.targets = {"q_proj", "down_proj"};
  return options;
}

TEST(Lora, OnlyAdaptersLearn) {
  for (const bool checkpoint : {false, true}) {
    ModelOptions options = lora_options();
    options.checkpoint_layers = checkpoint;
    LanguageModel model = make_model("llama", options);
    const data::Pack pack = random_pack({33, 20}, model.config().vocab_size, 15);
    const Gradients gradients = loss_gradients(model, pack);
    EXPECT_EQ(gradients.size(), 8u);  // 2 layers, 2 targets, A and B
    for (const auto& [name, gradient] : gradients) {
      EXPECT_NE(name.find("lora_"), std::string::npos);
      EXPECT_GT(gradient.abs().max().item<float>(), 0.0f) << name;
    }
  }
}

TEST(Lora, EmbeddingsHeadAndNormsLearnOnRequest) {
  ModelOptions options = lora_options();
  options.lora.train_embeddings = options.lora.train_norms = true;
  options.checkpoint_layers = true;
  LanguageModel model = make_model("qwen3", options);
  const data::Pack pack = random_pack({33, 20}, model.config().vocab_size, 16);
  const Gradients gradients = loss_gradients(model, pack);
  EXPECT_TRUE(gradients.contains("model.embed_tokens.weight"));
  EXPECT_TRUE(gradients.contains("lm_head.weight"));
  EXPECT_TRUE(gradients.contains("model.layers.1.self_attn.q_norm.weight"));
  EXPECT_TRUE(gradients.contains("model.norm.weight"));
  EXPECT_FALSE(gradients.contains("model.layers.0.mlp.up_proj.weight"));
}

TEST(Lora, AtFirstAdaptersChangeNothing) {
  const data::Pack pack = random_pack({12}, test::tiny_config("llama").vocab_size, 17);
  ModelOptions options = plain_options();
  options.draw_weights = true;
  torch::manual_seed(1);
  LanguageModel plain(test::tiny_config("llama"), options);
  options.lora.rank = 4;
  torch::manual_seed(1);
  LanguageModel adapted(test::tiny_config("llama"), options);
  EXPECT_EQ(plain.loss_sum(pack).item<float>(), adapted.loss_sum(pack).item<float>());
}

TEST(Lora, FrozenMatricesAreInTheTypeOfProducts) {
  ModelOptions options = lora_options();
  options.compute = Compute::kBF16;
  const LanguageModel model = make_model("llama", options);
  const auto parameters = model.named_parameters();
  const auto type_of = [&](const char* name) { return parameters[name].scalar_type(); };
  EXPECT_EQ(type_of("model.layers.0.mlp.up_proj.weight"), torch::kBFloat16);
  EXPECT_EQ(type_of("model.layers.0.self_attn.q_proj.lora_A.weight"), torch::kFloat);
  EXPECT_EQ(type_of("model.norm.weight"), torch::kFloat);
}

std::string refusal_of(const ModelConfig& config, const ModelOptions& options) {
  try {
    const LanguageModel model(config, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(LanguageModel, WhatCannotBeTrainedIsRefusedByName) {
  EXPECT_NE(refusal_of(test::tiny_config("gemma3"), plain_options()).find("index, llama, qwen2, qwen3"),
            std::string::npos);
  ModelOptions options = lora_options();
  options.lora.targets = {"q_prj"};
  EXPECT_NE(refusal_of(test::tiny_config("llama"), options).find("q_prj"), std::string::npos);
  options = plain_options();
  options.device = "gpu";
  EXPECT_NE(refusal_of(test::tiny_config("llama"), options).find("is gpu"), std::string::npos);
}

}  // namespace
}  // namespace longscroll::train
