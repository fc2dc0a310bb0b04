// Reusing whole blocks alone must change nothing at all: every comparison here is to the last bit.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/generate.h"
#include "engine/test_models.h"
#include "engine/test_sets.h"
#include "model/conversion.h"
#include "model/test_models.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlock = 128;  // two pages: quick, and still many blocks

SessionOptions whole_blocks(KvType type) {
  return {
      .threads = 2, .max_length = 2048, .kv_type = type, .prefill_block = kBlock, .reuse_whole_blocks = true};
}

std::vector<TokenId> golden_ids(size_t count) {
  auto ids = nlohmann::json::parse(std::ifstream(kTiny / "qwen2" / "golden.json"))
                 .at("ids")
                 .get<std::vector<TokenId>>();
  ids.resize(count);
  return ids;
}

std::vector<TokenId> changed_at(std::vector<TokenId> ids, size_t position) {
  ids[position] = ids[position] == 5 ? 6 : 5;
  return ids;
}

class WholeBlockReuse : public testing::TestWithParam<KvType> {
 protected:
  void SetUp() override {
    if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
    write_model_with_wide_heads();
    ids_ = golden_ids(1000);
    ASSERT_TRUE(kv_format(GetParam(), model_->config).supported());
  }

  // The golden checkpoint read as half as many heads of 32, which keys of 8 bits need. Its weights are
  // packed, since there a block's rows decide together which groups are refined; its biases make keys
  // centered.
  void write_model_with_wide_heads() {
    auto config = nlohmann::json::parse(std::ifstream(kTiny / "qwen2" / "config.json"));
    config.update({{"head_dim", 32}, {"num_attention_heads", 2}, {"num_key_value_heads", 1}});
    const fs::path wide = folder_.path() / "wide", packed = folder_.path() / "model.gguf";
    fs::copy(kTiny / "qwen2", wide);
    std::ofstream(wide / "config.json") << config;
    convert_model(wide, packed, {.to = ModelForm::kGguf, .type = DType::kQ8_0});
    LoadOptions load;
    load.packing = Packing::kPack;
    model_ = load_model(packed, load);
  }

  std::vector<float> from_empty(std::span<const TokenId> ids) {
    Session session(model_, whole_blocks(GetParam()));
    session.prefill(ids);
    return {session.logits().begin(), session.logits().end()};
  }
  void expect_same_as_from_empty(Session& session, std::span<const TokenId> ids, size_t reused) {
    EXPECT_EQ(session.prefill(ids), reused);
    EXPECT_EQ(std::vector<float>(session.logits().begin(), session.logits().end()), from_empty(ids));
  }

  test::TempFolder folder_;
  std::shared_ptr<const Model> model_;
  std::vector<TokenId> ids_;
};

TEST_P(WholeBlockReuse, AnotherEndingGivesTheLogitsOfAnEmptyCache) {
  Session session(model_, whole_blocks(GetParam()));
  session.prefill(ids_);
  expect_same_as_from_empty(session, changed_at(ids_, 700), 5 * kBlock);
  expect_same_as_from_empty(session, std::span(ids_).first(690), 5 * kBlock);
  expect_same_as_from_empty(session, ids_, 5 * kBlock);
  expect_same_as_from_empty(session, changed_at(ids_, 100), 0);
}

TEST_P(WholeBlockReuse, APromptThatTheCacheHoldsIsComputedFromItsLastBlockOn) {
  Session session(model_, whole_blocks(GetParam()));
  const std::span<const TokenId> aligned = std::span(ids_).first(4 * kBlock);
  session.prefill(aligned);
  expect_same_as_from_empty(session, aligned, 3 * kBlock);
}

TEST_P(WholeBlockReuse, WhatStepsAppendedIsNeverReused) {
  Session session(model_, whole_blocks(GetParam()));
  session.prefill(std::span(ids_).first(200));
  for (size_t i = 200; i < 300; ++i) session.step(ids_[i]);
  expect_same_as_from_empty(session, ids_, kBlock);
}

TEST_P(WholeBlockReuse, BlocksThatATruncationCutAreNotWhole) {
  Session session(model_, whole_blocks(GetParam()));
  session.prefill(std::span(ids_).first(600));
  session.truncate(200);
  for (size_t i = 200; i < 300; ++i) session.step(ids_[i]);
  expect_same_as_from_empty(session, ids_, kBlock);
}

TEST_P(WholeBlockReuse, ACancelledPrefillLeavesWholeBlocks) {
  Session session(model_, whole_blocks(GetParam()));
  std::atomic<bool> cancel = false;
  const auto stop = [&](const PrefillProgress& p) { cancel = p.done >= 3 * kBlock; };
  EXPECT_THROW(session.prefill(ids_, stop, &cancel), Error);
  expect_same_as_from_empty(session, ids_, 3 * kBlock);
}

INSTANTIATE_TEST_SUITE_P(KvTypes, WholeBlockReuse,
                         testing::Values(KvType::kF32, KvType::kF16, KvType::kQ8, KvType::kK8V4, KvType::kQ4),
                         [](const auto& tested) { return std::string(kv_type_name(tested.param)); });

TEST(WholeBlockReuseWithDynamicNtk, KeysTurnedByAnotherLengthAreNotReused) {
  if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
  const auto model = load_model(kTiny / "llama_dynamic");
  const size_t original = model->config.rope.original_max_position;
  ASSERT_GT(original, 0u);
  const std::vector<TokenId> ids = golden_ids(original + 320);
  SessionOptions options = whole_blocks(KvType::kF32);
  options.max_length = ids.size();
  Session session(model, options);
  session.prefill(std::span(ids).first(ids.size() - 10));
  for (size_t i = ids.size() - 10; i < ids.size(); ++i) session.step(ids[i]);
  EXPECT_EQ(session.prefill(ids), 0u) << "the steps turned their keys by more than the prompt's length";
}

}  // namespace
}  // namespace longscroll
