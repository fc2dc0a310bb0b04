#include "train/weights_io.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/test_folder.h"
#include "model/conversion.h"
#include "train/test_models.h"

namespace longscroll::train {
namespace {

namespace fs = std::filesystem;
using longscroll::test::TempFolder;
using test::plain_options;
using torch::Tensor;

const fs::path kTiny = fs::path(LONGSCROLL_GOLDEN_DIR) / "tiny";

LanguageModel build(const fs::path& path, const ModelOptions& options = plain_options()) {
  const auto source = load_model(path);
  LanguageModel model(trainable_config(source->config), options);
  load_weights(model, *source);
  return model;
}

void expect_equal(const LanguageModel& found, const LanguageModel& expected) {
  ASSERT_EQ(found.weights().size(), expected.weights().size());
  for (size_t i = 0; i < found.weights().size(); ++i) {
    EXPECT_EQ(found.weights()[i].name, expected.weights()[i].name);
    EXPECT_TRUE(torch::equal(found.weights()[i].tensor, expected.weights()[i].tensor))
        << found.weights()[i].name;
  }
}

size_t roundings_of(const SavedModel& saved) {
  return static_cast<size_t>(std::ranges::count_if(
      saved.remarks, [](const std::string& remark) { return remark.starts_with("precision lowered"); }));
}

nlohmann::json config_of(const fs::path& directory) {
  std::ifstream in(directory / "config.json");
  return nlohmann::json::parse(in);
}

class Sources : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, Sources,
                         testing::Values("llama", "llama_bias", "llama_llama3", "qwen2", "qwen3",
                                         "index_theta", "index_ratio", "index_base"));

TEST_P(Sources, WhatIsSavedAndLoadedAgainIsTheSame) {
  const TempFolder folder;
  const LanguageModel model = build(kTiny / GetParam());
  const SavedModel saved = save_weights(model, kTiny / GetParam(), folder.path(), {.type = DType::kF32});
  EXPECT_EQ(roundings_of(saved), 0u);
  const LanguageModel again = build(folder.path());
  expect_equal(again, model);
  EXPECT_EQ(again.config(), model.config());
}

TEST_P(Sources, ANewBaseAndWindowAreReadBack) {
  const TempFolder folder;
  const auto source = load_model(kTiny / GetParam());
  ModelConfig config = trainable_config(source->config);
  config.rope.base = config.rope_local.base = 640000.0;
  config.max_position = 16384;
  LanguageModel model(config, plain_options());
  load_weights(model, *source);
  save_weights(model, kTiny / GetParam(), folder.path(), {.type = DType::kF32});
  EXPECT_EQ(build(folder.path()).config(), config);
}

// Rows of queries and keys lie in another order there.
TEST(WeightsIo, GgufRowsAreReadInTheOrderOfADirectory) {
  const TempFolder folder;
  for (const char* name : {"llama", "llama_bias", "qwen2"}) {
    const fs::path gguf = folder.path() / (std::string(name) + ".gguf");
    ConvertOptions options;
    options.type = DType::kF32;
    convert_model(kTiny / name, gguf, options);
    expect_equal(build(gguf), build(kTiny / name));
  }
}

TEST(WeightsIo, BlockFormatsAreDequantised) {
  const TempFolder folder;
  const fs::path gguf = folder.path() / "q8.gguf";
  ConvertOptions options;
  options.type = DType::kQ8_0;
  convert_model(kTiny / "llama", gguf, options);
  const LanguageModel rounded = build(gguf), exact = build(kTiny / "llama");
  for (size_t i = 0; i < exact.weights().size(); ++i) {
    // Half a step of 1/127 of the largest of 32 values.
    EXPECT_LT(test::distance(rounded.weights()[i].tensor, exact.weights()[i].tensor), 0.01)
        << exact.weights()[i].name;
  }
}

TEST(WeightsIo, Bf16SaysThatItRounds) {
  const TempFolder folder;
  const LanguageModel model = build(kTiny / "llama");
  const SavedModel saved = save_weights(model, kTiny / "llama", folder.path());
  EXPECT_EQ(roundings_of(saved), 1u);
  EXPECT_EQ(saved.remarks.front(), "precision lowered: 21 tensors from f32 to bf16");
  EXPECT_EQ(config_of(folder.path())["dtype"], "bfloat16");
  const LanguageModel again = build(folder.path());
  EXPECT_TRUE(torch::equal(again.weights()[0].tensor,
                           model.weights()[0].tensor.to(torch::kBFloat16).to(torch::kFloat)));
}

TEST(WeightsIo, LargeModelsAreCutInShards) {
  const TempFolder folder;
  const LanguageModel model = build(kTiny / "qwen3");
  save_weights(model, kTiny / "qwen3", folder.path(), {.type = DType::kF32, .shard_bytes = 100'000});
  EXPECT_TRUE(fs::exists(folder.path() / "model.safetensors.index.json"));
  expect_equal(build(folder.path()), model);
}

TEST(WeightsIo, AValueBeyondFloat16IsNamed) {
  const TempFolder folder;
  LanguageModel model = build(kTiny / "llama");
  {
    const torch::NoGradGuard no_grad;
    model.named_parameters()["model.layers.1.mlp.up_proj.weight"][3][4] = 1e6;
  }
  try {
    save_weights(model, kTiny / "llama", folder.path(), {.type = DType::kF16});
    FAIL() << "was saved";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("layers.1.mlp.up_proj"), std::string::npos);
  }
}

TEST(WeightsIo, AnotherModelIsRefused) {
  LanguageModel model = build(kTiny / "llama");
  try {
    load_weights(model, *load_model(kTiny / "qwen3"));
    FAIL() << "was loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kArgument);
    EXPECT_NE(std::string(error.what()).find("is another (qwen3"), std::string::npos);
  }
}

TEST(WeightsIo, FrozenMatricesSayThatTheyAreRounded) {
  ModelOptions options = plain_options();
  options.compute = Compute::kBF16;
  options.lora.rank = 2;
  const auto source = load_model(kTiny / "llama");
  LanguageModel model(trainable_config(source->config), options);
  const auto remarks = load_weights(model, *source);
  ASSERT_EQ(remarks.size(), 1u);
  EXPECT_EQ(remarks[0], "precision lowered: 16 frozen matrices from f32 to bf16, which they are computed in");
}

TEST(WeightsIo, AdaptersAreMergedIntoWhatIsSaved) {
  const TempFolder folder;
  ModelOptions options = plain_options();
  options.lora.rank = 3;
  LanguageModel model = build(kTiny / "index_theta", options);
  {
    const torch::NoGradGuard no_grad;
    torch::manual_seed(3);
    for (auto& item : model.named_parameters()) {
      if (item.key().find("lora_B") != std::string::npos) item.value().normal_(0.0, 0.1);
    }
  }
  save_weights(model, kTiny / "index_theta", folder.path(), {.type = DType::kF32});
  LanguageModel merged = build(folder.path());
  const data::Pack pack = test::random_pack({30}, model.config().vocab_size, 1);
  const std::vector<uint32_t> positions = {0, 10, 29};
  const Tensor expected = model.logits(pack, positions), found = merged.logits(pack, positions);
  const Tensor base = build(kTiny / "index_theta").logits(pack, positions);
  EXPECT_LT(test::distance(found, expected), 5e-6);  // the same products in another order, through two layers
  EXPECT_GT(test::distance(base, expected), 1e-2);
}

}  // namespace
}  // namespace longscroll::train
