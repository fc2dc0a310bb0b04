// Dynamic NTK past the trained window, over a KV cache: against transformers under each definition, and what
// reuse, truncation and quantised pages must keep. Goldens by tools/make_dynamic_ntk_goldens.py.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/test_folder.h"
#include "engine/kv_cache.h"
#include "engine/session.h"
#include "engine/test_models.h"
#include "engine/test_sets.h"
#include "model/extended_model.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWindow = 48;  // as if the model had been trained on so few tokens; the goldens' too
constexpr size_t kPrompt = 40;

std::shared_ptr<const Model> dynamic_model(const fs::path& path, const std::string& form) {
  return extend_model(extend_model(load_model(path), std::nullopt, kWindow),
                      parse_rope_extension(form, "test"), 1024);
}

nlohmann::json golden() {
  return nlohmann::json::parse(std::ifstream(LONGSCROLL_GOLDEN_DIR "/rope/dynamic_ntk.json"));
}

std::vector<TokenId> ids_of(size_t count) {
  auto ids = nlohmann::json::parse(std::ifstream(kTiny / "llama" / "golden.json"))
                 .at("ids")
                 .get<std::vector<TokenId>>();
  ids.resize(count);
  return ids;
}

SessionOptions with_kv(KvType kv) {
  return {.threads = 2, .max_length = 0, .kv_type = kv, .prefill_block = 64};
}

float largest_difference(std::span<const float> found, std::span<const float> expected) {
  EXPECT_EQ(found.size(), expected.size());
  float largest = 0, difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::fabs(expected[i]));
    difference = std::max(difference, std::fabs(found[i] - expected[i]));
  }
  return difference / largest;
}

// As in session_test.cc: float32 sums in different orders.
constexpr float kRounding = 2e-5f;

class DynamicNtk : public testing::Test {
 protected:
  void SetUp() override {
    if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
  }
  static void expect_steps_equal(const std::string& form, const char* definition) {
    const nlohmann::json expected = golden();
    const auto ids = expected.at("ids").get<std::vector<TokenId>>();
    const auto positions = expected.at("positions").get<std::vector<size_t>>();
    Session session(dynamic_model(kTiny / "llama", form), with_kv(KvType::kF32));
    session.prefill(std::span(ids).first(kPrompt));
    for (size_t p = 0; p < positions.size(); ++p) {
      for (size_t at = session.ids().size(); at <= positions[p]; ++at) session.step(ids[at]);
      const auto wanted = expected.at(definition).at(p).get<std::vector<float>>();
      EXPECT_LT(largest_difference(session.logits(), wanted), kRounding) << "after " << positions[p];
    }
  }
};

TEST_F(DynamicNtk, StepsEqualTransformersOverKeysCachedBeforeRotation) {
  expect_steps_equal("dynamic-ntk:4", "turned");
}

TEST_F(DynamicNtk, StepsEqualTransformersOwnCacheWhenCachedKeysAreKept) {
  expect_steps_equal("dynamic-ntk-cached:4", "cached");
}

TEST_F(DynamicNtk, ATextReadWholeEqualsTransformersWithoutACache) {
  const nlohmann::json expected = golden();
  const auto ids = expected.at("ids").get<std::vector<TokenId>>();
  for (const char* form : {"dynamic-ntk:4", "dynamic-ntk-cached:4"}) {
    Session session(dynamic_model(kTiny / "llama", form), with_kv(KvType::kF32));
    session.prefill(ids);
    const auto wanted = expected.at("whole").back().get<std::vector<float>>();
    EXPECT_LT(largest_difference(session.logits(), wanted), kRounding) << form;
  }
}

TEST(DynamicNtkGolden, TheDefinitionsDifferByMoreThanRounding) {
  const nlohmann::json expected = golden();
  const auto last = [&](const char* name) { return expected.at(name).back().get<std::vector<float>>(); };
  EXPECT_GT(largest_difference(last("turned"), last("cached")), 100 * kRounding);
  EXPECT_GT(largest_difference(last("turned"), last("whole")), 100 * kRounding);
}

// Whatever was appended and taken away, what is turned from the kept keys is the same to the last bit: in
// float32, in 16 bits and in bytes, with centers (qwen2), norms of keys (qwen3) and layers that are not
// turned (gemma3).
class TurningAgain : public testing::TestWithParam<std::tuple<const char*, KvType>> {
 protected:
  void SetUp() override {
    if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
    const std::string name = std::get<0>(GetParam());
    model_ = dynamic_model(name == "qwen2_wide" ? with_wide_heads("qwen2") : kTiny / name, "dynamic-ntk:4");
    ASSERT_TRUE(kv_format(kv(), model_->config).supported());
  }
  // The checkpoint read as half as many heads of 32, which keys of 8 bits need.
  fs::path with_wide_heads(const std::string& name) {
    auto config = nlohmann::json::parse(std::ifstream(kTiny / name / "config.json"));
    config.update({{"head_dim", 32}, {"num_attention_heads", 2}, {"num_key_value_heads", 1}});
    fs::copy(kTiny / name, folder_.path() / name);
    std::ofstream(folder_.path() / name / "config.json") << config;
    return folder_.path() / name;
  }
  static KvType kv() { return std::get<1>(GetParam()); }
  static std::vector<float> steps(Session& session, std::span<const TokenId> ids) {
    std::vector<float> logits;
    for (const TokenId id : ids) {
      session.step(id);
      logits.insert(logits.end(), session.logits().begin(), session.logits().end());
    }
    return logits;
  }
  test::TempFolder folder_;
  std::shared_ptr<const Model> model_;
};

TEST_P(TurningAgain, WhatWasTakenAwayLeavesNoTrace) {
  const std::vector<TokenId> ids = ids_of(150);
  Session session(model_, with_kv(kv()));
  session.prefill(std::span(ids).first(70));
  const std::vector<float> first = steps(session, std::span(ids).subspan(70, 20));
  session.truncate(70);
  steps(session, std::span(ids).subspan(100, 50));
  session.truncate(70);
  EXPECT_EQ(steps(session, std::span(ids).subspan(70, 20)), first);
}

TEST_P(TurningAgain, APromptOfTheSameLengthReusesWhatStepsTurned) {
  std::vector<TokenId> ids = ids_of(120);
  Session session(model_, with_kv(kv()));
  session.prefill(std::span(ids).first(100));
  steps(session, std::span(ids).subspan(100, 20));
  ids.resize(100);
  ids.back() = ids.back() == 5 ? 6 : 5;
  EXPECT_EQ(session.prefill(ids), 99u);
  const std::vector<float> reused(session.logits().begin(), session.logits().end());
  Session fresh(model_, with_kv(kv()));
  fresh.prefill(std::span(ids).first(99));
  // One token alone after 99, turned by the same length: only what was read at another length is different.
  EXPECT_EQ(fresh.prefill(ids), 0u);
  // A row alone or in a block is summed in another order; what is then rounded to fewer bits may fall to a
  // neighbour.
  const float bound = kv() == KvType::kF32 ? kRounding : 5e-2f;
  EXPECT_LT(largest_difference(reused, fresh.logits()), bound);
}

TEST_P(TurningAgain, ATextThatStepsMadeIsNotReusedAsOneReadWhole) {
  const std::vector<TokenId> ids = ids_of(120);
  Session session(model_, with_kv(kv()));
  session.prefill(std::span(ids).first(100));
  steps(session, std::span(ids).subspan(100, 20));
  EXPECT_EQ(session.prefill(ids), 0u) << "its first 100 tokens were computed with another length";
  EXPECT_EQ(session.prefill(ids), 119u);
}

TEST_P(TurningAgain, WithinTheWindowEverythingIsReused) {
  const std::vector<TokenId> ids = ids_of(kWindow);
  Session session(model_, with_kv(kv()));
  session.prefill(std::span(ids).first(20));
  steps(session, std::span(ids).subspan(20, 10));
  EXPECT_EQ(session.prefill(ids), 30u);
}

std::string case_name(const testing::TestParamInfo<TurningAgain::ParamType>& tested) {
  return fmt::format("{}_{}", std::get<0>(tested.param), kv_type_name(std::get<1>(tested.param)));
}
INSTANTIATE_TEST_SUITE_P(Floats, TurningAgain,
                         testing::Combine(testing::Values("llama", "qwen3", "gemma3"),
                                          testing::Values(KvType::kF32, KvType::kF16, KvType::kBF16)),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Centered, TurningAgain,
                         testing::Combine(testing::Values("qwen2_wide"),
                                          testing::Values(KvType::kF32, KvType::kQ8, KvType::kQ4)),
                         case_name);

TEST(DynamicNtkMemory, TheForecastCountsTheKeysBeforeRotation) {
  if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
  const auto turned = dynamic_model(kTiny / "gemma3", "dynamic-ntk:4");
  const auto kept = dynamic_model(kTiny / "gemma3", "dynamic-ntk-cached:4");
  const ModelConfig& c = turned->config;
  const auto global = static_cast<uint64_t>(std::count(c.layer_local.begin(), c.layer_local.end(), 0));
  ASSERT_GT(global, 0u);
  ASSERT_LT(global, c.num_layers);
  EXPECT_EQ(KvCache::bytes_for(c, 100, KvType::kF16) - KvCache::bytes_for(kept->config, 100, KvType::kF16),
            128 * global * c.num_kv_heads * c.head_dim * 2);
  EXPECT_EQ(KvCache::bytes_for(c, kWindow, KvType::kF16),
            KvCache::bytes_for(kept->config, kWindow, KvType::kF16))
      << "within the window nothing is turned again";
}

}  // namespace
}  // namespace longscroll
