// The engine against transformers: tiny random checkpoints with golden logits and greedy ids, made by
// tools/make_tiny_checkpoints.py. Both sides compute in float32 in different orders; the bound is 2e-5
// of the largest logit (issue 3's proof 2): some hundred roundings of 6e-8 that mostly cancel.
#include "engine/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/generate.h"
#include "engine/test_models.h"
#include "engine/test_sets.h"

namespace longscroll {
namespace {

std::vector<std::string> tiny_checkpoints() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kTiny))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

nlohmann::json golden(const std::string& name) {
  return nlohmann::json::parse(std::ifstream(kTiny / name / "golden.json"));
}

SessionOptions exact(size_t block = 512) {
  return {.threads = 2, .max_length = 0, .kv_type = KvType::kF32, .prefill_block = block};
}

float largest_of(std::span<const float> x) {
  float largest = 0;
  for (const float value : x) largest = std::max(largest, std::fabs(value));
  return largest;
}

void expect_close(std::span<const float> found, std::span<const float> expected, float tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  const float bound = tolerance * largest_of(expected);
  for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], bound) << "logit " << i;
}

class TinyCheckpoint : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
  }
};

TEST_P(TinyCheckpoint, LogitsEqualTransformersAtPositionsPast4000) {
  const nlohmann::json expected = golden(GetParam());
  const auto ids = expected.at("ids").get<std::vector<TokenId>>();
  const auto positions = expected.at("positions").get<std::vector<size_t>>();
  ASSERT_GT(positions.back(), 4000u);
  Session session(load_model(kTiny / GetParam()), exact());
  const size_t vocab = session.model().config.vocab_size;
  size_t compared = 0;
  session.forward_all(ids, [&](size_t first, size_t rows, const float* rows_TV) {
    for (size_t p = 0; p < positions.size(); ++p) {
      if (positions[p] < first || positions[p] >= first + rows) continue;
      const auto want = expected.at("logits").at(p).get<std::vector<float>>();
      expect_close({rows_TV + (positions[p] - first) * vocab, vocab}, want, 2e-5f);
      ++compared;
    }
  });
  EXPECT_EQ(compared, positions.size());
}

TEST_P(TinyCheckpoint, GreedyTokensEqualTransformers) {
  const nlohmann::json expected = golden(GetParam());
  const auto prompt = expected.at("prompt").get<std::vector<TokenId>>();
  const auto want = expected.at("greedy").get<std::vector<TokenId>>();
  ASSERT_EQ(want.size(), 64u);
  Session session(load_model(kTiny / GetParam()), exact());
  GenerateOptions options;
  options.max_new_tokens = want.size();
  EXPECT_EQ(generate(session, prompt, options).ids, want);
}

INSTANTIATE_TEST_SUITE_P(Golden, TinyCheckpoint, testing::ValuesIn(tiny_checkpoints()),
                         [](const auto& tested) { return tested.param; });

class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
    model_ = load_model(kTiny / "qwen2");
    ids_ = golden("qwen2").at("ids").get<std::vector<TokenId>>();
    ids_.resize(300);
  }
  std::vector<float> logits_of(std::span<const TokenId> ids, SessionOptions options) {
    Session session(model_, options);
    session.prefill(ids);
    return {session.logits().begin(), session.logits().end()};
  }
  std::shared_ptr<const Model> model_;
  std::vector<TokenId> ids_;
};

TEST_F(SessionTest, BlocksStepsAndThreadsGiveTheSameLogits) {
  const std::vector<float> whole = logits_of(ids_, exact());
  expect_close(logits_of(ids_, exact(7)), whole, 2e-5f);
  SessionOptions one = exact();
  one.threads = 1;
  EXPECT_EQ(logits_of(ids_, one), whole);
  Session session(model_, exact());
  session.prefill(std::span(ids_).first(290));
  for (size_t i = 290; i < 300; ++i) session.step(ids_[i]);
  expect_close(session.logits(), whole, 2e-5f);
  EXPECT_EQ(session.ids(), ids_);
}

TEST_F(SessionTest, HalfPrecisionCacheStaysNearTheExactOne) {
  SessionOptions half = exact();
  half.kv_type = KvType::kF16;  // keys and values rounded by 2^-11
  expect_close(logits_of(ids_, half), logits_of(ids_, exact()), 5e-3f);
}

TEST_F(SessionTest, AChangedSuffixIsAllThatIsComputedAgain) {
  Session session(model_, exact());
  session.prefill(ids_);
  std::vector<TokenId> edited = ids_;
  edited[200] = edited[200] == 5 ? 6 : 5;
  size_t computed = 0;
  const size_t reused = session.prefill(edited, [&](const PrefillProgress& p) { computed = p.total; });
  EXPECT_EQ(reused, 200u);
  EXPECT_EQ(computed, 100u);
  expect_close(session.logits(), logits_of(edited, exact()), 2e-5f);
  EXPECT_EQ(session.prefill(edited), 299u) << "the last token is computed again for its logits";
}

TEST_F(SessionTest, CancellingLeavesASessionThatStillWorks) {
  Session session(model_, exact(64));
  std::atomic<bool> cancel = false;
  EXPECT_THROW(session.prefill(ids_, [&](const PrefillProgress&) { cancel = true; }, &cancel), Error);
  EXPECT_EQ(session.ids().size(), 64u);
  EXPECT_EQ(session.prefill(ids_), 64u);
  expect_close(session.logits(), logits_of(ids_, exact()), 2e-5f);
}

TEST_F(SessionTest, PromptsThatCannotBeAreRefused) {
  SessionOptions small = exact();
  small.max_length = 100;
  Session session(model_, small);
  EXPECT_THROW(session.prefill(ids_), Error);
  EXPECT_THROW(session.prefill({}), Error);
  EXPECT_THROW(session.prefill(std::vector<TokenId>{1, -1}), Error);
  EXPECT_THROW(session.prefill(std::vector<TokenId>{1 << 30}), Error);
  EXPECT_THROW(Session(model_, {.threads = 0, .max_length = 0}), Error);
}

TEST_F(SessionTest, AnswersStopAtStopIdsLimitsAndTheEndOfTheRoom) {
  GenerateOptions options;
  options.max_new_tokens = 12;
  Session session(model_, exact());
  const GenerateResult free = generate(session, ids_, options);
  ASSERT_EQ(free.ids.size(), 12u);
  EXPECT_EQ(free.stop_reason, StopReason::kMaxNewTokens);
  options.stop_ids = {free.ids[5]};
  const GenerateResult stopped = generate(session, ids_, options);
  EXPECT_EQ(stopped.stop_reason, StopReason::kStopToken);
  EXPECT_LE(stopped.ids.size(), 5u);
  EXPECT_EQ(stopped.reused_tokens, 299u);
  SessionOptions tight = exact();
  tight.max_length = ids_.size() + 2;
  Session full(model_, tight);
  options.stop_ids.clear();
  const GenerateResult cut = generate(full, ids_, options);
  EXPECT_EQ(cut.stop_reason, StopReason::kWindowFull);
  EXPECT_EQ(cut.ids, std::vector<TokenId>(free.ids.begin(), free.ids.begin() + 3));
}

TEST_F(SessionTest, TheForecastCountsCacheBytesInWholePages) {
  SessionOptions options = exact();
  options.max_length = 1000;
  const ModelConfig& c = model_->config;
  EXPECT_EQ(forecast_memory(*model_, options).kv_cache,
            1024u * 2 * 4 * c.num_layers * c.num_kv_heads * c.head_dim);
}

}  // namespace
}  // namespace longscroll
