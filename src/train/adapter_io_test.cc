#include "train/adapter_io.h"

#include <fstream>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/test_folder.h"
#include "formats/safetensors.h"
#include "train/test_models.h"

namespace longscroll::train {
namespace {

using longscroll::test::TempFolder;
using test::make_model;

ModelOptions options_of(uint32_t rank, bool whole_modules) {
  ModelOptions options = test::plain_options();
  options.lora.rank = rank;
  options.lora.targets = {"q_proj", "up_proj"};
  options.lora.train_embeddings = options.lora.train_norms = whole_modules;
  return options;
}

std::string refusal_of(LanguageModel& model, const std::filesystem::path& directory) {
  try {
    load_adapter(model, directory);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(AdapterIo, NamesAndSettingsAreThoseOfPeft) {
  const TempFolder folder;
  const LanguageModel model = make_model("qwen2", options_of(4, true));  // its head is tied
  save_adapter(model, "some/base", folder.path());
  std::ifstream in(folder.path() / "adapter_config.json");
  const auto config = nlohmann::json::parse(in);
  EXPECT_EQ(config["peft_type"], "LORA");
  EXPECT_EQ(config["base_model_name_or_path"], "some/base");
  EXPECT_EQ(config["r"], 4);
  EXPECT_EQ(config["lora_alpha"], 32.0);
  EXPECT_EQ(config["target_modules"], (std::vector<std::string>{"q_proj", "up_proj"}));
  EXPECT_EQ(config["modules_to_save"], (std::vector<std::string>{"embed_tokens", "input_layernorm", "lm_head",
                                                                 "norm", "post_attention_layernorm"}));
  std::map<std::string, std::vector<uint64_t>> shapes;
  const SafetensorsFile file(folder.path() / "adapter_model.safetensors");
  for (const TensorView& view : file.tensors()) shapes[view.name] = view.shape;
  const std::string prefix = "base_model.model.";
  EXPECT_EQ(shapes.at(prefix + "model.layers.1.self_attn.q_proj.lora_A.weight"),
            (std::vector<uint64_t>{4, 48}));
  EXPECT_EQ(shapes.at(prefix + "model.layers.0.mlp.up_proj.lora_B.weight"), (std::vector<uint64_t>{80, 4}));
  EXPECT_EQ(shapes.at(prefix + "model.embed_tokens.weight"), shapes.at(prefix + "lm_head.weight"));
  EXPECT_TRUE(shapes.contains(prefix + "model.layers.0.input_layernorm.weight"));
}

TEST(AdapterIo, WhatIsSavedAndLoadedAgainIsTheSame) {
  for (const bool whole_modules : {false, true}) {
    const TempFolder folder;
    const LanguageModel model = make_model("qwen3", options_of(4, whole_modules), 1);
    save_adapter(model, "base", folder.path());
    LanguageModel other = make_model("qwen3", options_of(4, whole_modules), 2);
    load_adapter(other, folder.path());
    const auto expected = model.named_parameters();
    for (const auto& item : other.named_parameters()) {
      EXPECT_EQ(torch::equal(item.value(), expected[item.key()]), item.value().requires_grad()) << item.key();
    }
  }
}

TEST(AdapterIo, AnotherRankOrOtherModulesAreRefusedByName) {
  const TempFolder folder;
  save_adapter(make_model("llama", options_of(4, false)), "base", folder.path());
  LanguageModel other_rank = make_model("llama", options_of(8, false));
  EXPECT_NE(refusal_of(other_rank, folder.path()).find("r: must be the model's 8, is 4"), std::string::npos);
  LanguageModel more_modules = make_model("llama", options_of(4, true));
  EXPECT_NE(refusal_of(more_modules, folder.path()).find("is missing"), std::string::npos);
  ModelOptions fewer = options_of(4, false);
  fewer.lora.targets = {"q_proj"};
  LanguageModel fewer_targets = make_model("llama", fewer);
  EXPECT_NE(refusal_of(fewer_targets, folder.path()).find("must belong to the model's adapters"),
            std::string::npos);
}

TEST(AdapterIo, AModelWithoutAdaptersHasNoneToSave) {
  const TempFolder folder;
  EXPECT_THROW(save_adapter(make_model("llama", test::plain_options()), "base", folder.path()), Error);
}

}  // namespace
}  // namespace longscroll::train
