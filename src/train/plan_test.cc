#include "train/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

using testing::HasSubstr;

constexpr double kGiB = 1024.0 * 1024 * 1024;

ModelConfig index_config() {
  ModelConfig config;
  config.architecture = "index";
  config.vocab_size = 65029;
  config.hidden_size = 2048;
  config.num_layers = 36;
  config.num_heads = 16;
  config.num_kv_heads = 16;
  config.head_dim = 128;
  config.ffn_size = 5888;
  config.max_position = 32768;
  config.norm_head = true;
  return config;
}

Recipe long_pt() {
  Recipe recipe;
  recipe.model.path = "index";
  recipe.data.sources.push_back({.path = "shards"});
  recipe.data.sequence_length = 32768;
  recipe.batch.tokens = 32768 * 128;
  recipe.length.tokens = 10'000'000'000;
  recipe.optimizer.learning_rate = 1e-5;
  recipe.run.out = "run";
  return recipe;
}

// 125 TFLOP of matrices and 158 of attention for one forward pass over 32,768 tokens: the shape's own
// arithmetic.
TEST(Plan, CountsTheOperationsOfIndexAt32K) {
  const ModelConfig config = index_config();
  ModelOptions options;
  const double length = 32768;
  const Work work = pack_work(config, options, one_document(32768));
  const double head = 2 * length * 65029 * 2048;
  EXPECT_NEAR(work.usual, 3 * (124.93e12 + 158.33e12 + head), 3e11);
  EXPECT_NEAR(work.usual / length, 26.7e9, 0.05e9);  // a token
  // One forward pass of the layers' matrices again, and half a forward pass of attention for its scores.
  EXPECT_NEAR(work.computed - work.usual, 124.93e12 + 0.5 * 158.33e12, 3e11);
  options.keep_attention = false;
  EXPECT_NEAR(pack_work(config, options, one_document(32768)).computed - work.computed, 158.33e12, 3e11);
}

TEST(Plan, CountsAttentionByTheSquaresOfTheDocuments) {
  const ModelConfig config = index_config();
  const ModelOptions options;
  const double long_one = pack_work(config, options, one_document(32768)).usual;
  const double eight = pack_work(config, options, {32768, 8 * 4096.0 * 4096.0, 4096, 8}).usual;
  EXPECT_NEAR(long_one - eight, 3 * 158.33e12 * 7 / 8, 1e12);
}

TEST(Plan, AddsUpMemoryAndDividesMomentsAmongProcesses) {
  const Recipe recipe = long_pt();
  const Forecast one = forecast(recipe, index_config(), known_machine("h100"), one_document(32768), 2385);
  const Forecast eight = forecast(recipe, index_config(), known_machine("h100x8"), one_document(32768), 2385);
  EXPECT_NEAR(one.parameters, 2.173e9, 0.002e9);
  EXPECT_EQ(one.trained, one.parameters);
  EXPECT_NEAR(one.peak_bytes - eight.peak_bytes, 8 * one.parameters * 7 / 8, 1.0);
  double sum = 0;
  for (const MemoryItem& item : one.memory) sum += item.bytes;
  EXPECT_DOUBLE_EQ(sum, one.peak_bytes);
  EXPECT_NEAR(one.run_seconds / eight.run_seconds, 8, 0.2);
}

TEST(Plan, LoraTrainsLittleAndKeepsFrozenWeightsInBf16) {
  Recipe recipe = long_pt();
  recipe.lora.rank = 16;
  recipe.lora.targets = {"q_proj", "down_proj"};
  const Forecast plan = forecast(recipe, index_config(), known_machine("h100"), one_document(32768), 1);
  EXPECT_EQ(plan.trained, 36.0 * 16 * (2048 + 2048 + 2048 + 5888));
  EXPECT_LT(plan.peak_bytes,
            forecast(long_pt(), index_config(), known_machine("h100"), one_document(32768), 1).peak_bytes);
}

std::string fit_error(const Recipe& recipe, double gib) {
  Machine machine = known_machine("h100");
  machine.memory_bytes = gib * kGiB;
  try {
    require_fit(recipe, index_config(), machine, one_document(recipe.data.sequence_length));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    return error.what();
  }
  return "";
}

TEST(Plan, NamesTheFirstSettingThatWouldFit) {
  Recipe recipe = long_pt();
  EXPECT_EQ(fit_error(recipe, 78), "");
  recipe.model.checkpointing = false;
  EXPECT_THAT(fit_error(recipe, 78), HasSubstr("model.checkpointing = true would make it fit"));
  recipe = long_pt();
  EXPECT_THAT(fit_error(recipe, 35), HasSubstr("processes"));
  EXPECT_THAT(fit_error(recipe, 1), HasSubstr("no setting of this recipe"));
}

TEST(Plan, KnowsMachinesByNameAndNumber) {
  EXPECT_EQ(known_machine("h100x64").processes, 64u);
  EXPECT_EQ(known_machine("a100").processes, 1u);
  EXPECT_THROW(known_machine("h100x"), Error);
  EXPECT_THROW(known_machine("h100x0"), Error);
  EXPECT_THROW(known_machine("b42"), Error);
}

class TwoKinds final : public data::PackSource {
 public:
  data::Pack pack(uint64_t index) const override {
    data::Pack pack{.ids = std::vector<TokenId>(8, 1), .targets = std::vector<TokenId>(8, 2), .starts = {0}};
    if (index % 2 == 1) {
      pack.starts = {0, 4, 6};
      pack.targets[6] = pack.targets[7] = data::kIgnored;  // padding
    }
    return pack;
  }
  uint64_t packs_per_epoch() const override { return 0; }
  std::string describe(uint64_t) const override { return ""; }
};

TEST(Plan, MeasuresPacksWithoutTheirPadding) {
  const PackShape shape = mean_shape(TwoKinds(), 2);
  EXPECT_DOUBLE_EQ(shape.tokens, (8 + 6) / 2.0);
  EXPECT_DOUBLE_EQ(shape.squared, (64 + 16 + 4) / 2.0);
  EXPECT_DOUBLE_EQ(shape.longest, 8);
  EXPECT_DOUBLE_EQ(shape.documents, (1 + 2) / 2.0);
}

}  // namespace
}  // namespace longscroll::train
