// Guesses change the time of an answer, never an id of it: whatever is guessed, at whatever temperature, with
// whatever penalties, over every form of the cache and of the weights.
#include "engine/speculation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/generate.h"
#include "engine/test_models.h"
#include "engine/test_sets.h"

namespace longscroll {
namespace {

// Guesses ids of a text that is known, from the answer's `made`th on, as `change` leaves them.
class ScriptedDrafter : public Drafter {
 public:
  using Change = std::function<TokenId(size_t index, TokenId id)>;
  ScriptedDrafter(std::vector<TokenId> answer, Change change)
      : answer_(std::move(answer)), change_(std::move(change)) {}

  void append(TokenId) override { ++made_; }
  size_t draft(std::span<TokenId> draft) override {
    const size_t count = made_ < answer_.size() ? std::min(draft.size(), answer_.size() - made_) : 0;
    for (size_t i = 0; i < count; ++i) draft[i] = change_(made_ + i, answer_[made_ + i]);
    return count;
  }

 private:
  std::vector<TokenId> answer_;
  Change change_;
  size_t made_ = 0;
};

TokenId right(size_t, TokenId id) {
  return id;
}
TokenId wrong(size_t, TokenId id) {
  return id == 3 ? 4 : 3;
}
TokenId sometimes(size_t index, TokenId id) {
  return index % 3 == 2 ? wrong(index, id) : id;
}

struct Outcome {
  GenerateResult result;
  std::vector<TokenId> held;  // by the session afterwards
};

class SpeculationTest : public testing::Test {
 protected:
  void SetUp() override {
    if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
    open("qwen2");
  }
  void open(const std::string& name) {
    model_ = load_model(kTiny / name);
    const auto golden = nlohmann::json::parse(std::ifstream(kTiny / name / "golden.json"));
    prompt_ = golden.at("ids").get<std::vector<TokenId>>();
    prompt_.resize(120);
    options_.max_new_tokens = 60;
  }
  Outcome plain() { return run(nullptr); }
  Outcome guessing(const ScriptedDrafter::Change& change, const std::vector<TokenId>& answer) {
    ScriptedDrafter drafter(answer, change);
    return run(&drafter);
  }
  Outcome run(Drafter* drafter, const std::function<void(TokenId)>& on_token = {},
              const std::atomic<bool>* cancel = nullptr) {
    GenerateOptions options = options_;
    options.speculation = drafter != nullptr;
    options.drafter = drafter;
    Session session(model_, session_options_);
    Outcome outcome;
    outcome.result = generate(session, prompt_, options, on_token, {}, cancel);
    outcome.held = session.ids();
    return outcome;
  }
  // Right, wrong and mixed guesses make the ids of no guesses, and leave the session the same.
  void expect_no_difference() {
    const Outcome expected = plain();
    EXPECT_EQ(expected.result.speculation.drafted, 0u);
    for (const auto& change : {right, wrong, sometimes}) {
      const Outcome found = guessing(change, expected.result.ids);
      EXPECT_EQ(found.result.ids, expected.result.ids);
      EXPECT_EQ(found.result.stop_reason, expected.result.stop_reason);
      EXPECT_EQ(found.held, expected.held);
    }
  }

  std::shared_ptr<const Model> model_;
  std::vector<TokenId> prompt_;
  SessionOptions session_options_{.threads = 2, .max_length = 0};
  GenerateOptions options_;
};

TEST_F(SpeculationTest, AStepOverSeveralIdsGivesTheBitsOfOneByOne) {
  for (const auto& entry : std::filesystem::directory_iterator(kTiny)) {
    open(entry.path().filename());
    for (const KvType kv : {KvType::kF32, KvType::kF16, KvType::kQ8, KvType::kK8V4, KvType::kQ4}) {
      if (!kv_format(kv, model_->config).supported()) continue;
      session_options_.kv_type = kv;
      Session one(model_, session_options_), many(model_, session_options_);
      const size_t start = 61;  // a page ends within the step
      one.prefill(std::span(prompt_).first(start));
      many.prefill(std::span(prompt_).first(start));
      const size_t count = many.step_room();
      many.step(std::span(prompt_).subspan(start, count));
      for (size_t i = 0; i < count; ++i) {
        one.step(prompt_[start + i]);
        const auto found = many.logits_after(start + i);
        ASSERT_TRUE(std::equal(found.begin(), found.end(), one.logits().begin()))
            << entry.path().filename() << " " << kv_type_name(kv) << " token " << i;
      }
    }
  }
}

TEST_F(SpeculationTest, AnswersOfEveryArchitectureStayTheSame) {
  for (const auto& entry : std::filesystem::directory_iterator(kTiny)) {
    SCOPED_TRACE(entry.path().filename());
    open(entry.path().filename());
    expect_no_difference();
  }
}

TEST_F(SpeculationTest, RightGuessesAreCountedAndSavePasses) {
  const std::vector<TokenId> answer = plain().result.ids;
  const SpeculationCounts all = guessing(right, answer).result.speculation;
  // 60 ids: one from the prompt, then 7 batches of 8 and one of 3
  EXPECT_EQ(all.batches, 8u);
  EXPECT_EQ(all.drafted, 51u);
  EXPECT_EQ(all.accepted, 51u);
  const SpeculationCounts none = guessing(wrong, answer).result.speculation;
  EXPECT_EQ(none.accepted, 0u);
  EXPECT_GT(none.drafted, 300u);
}

TEST_F(SpeculationTest, PenaltiesAndDrawsAreThoseOfNoGuesses) {
  options_.sampling = {.repetition_penalty = 1.3f, .presence_penalty = 0.2f, .frequency_penalty = 0.1f};
  expect_no_difference();
  options_.sampling.temperature = 1.2f;
  options_.sampling.top_p = 0.95f;
  options_.sampling.seed = 11;
  expect_no_difference();
}

TEST_F(SpeculationTest, AStopTokenWithinRightGuessesEndsTheAnswer) {
  const std::vector<TokenId> answer = plain().result.ids;
  for (const size_t at : {0u, 1u, 5u, 8u, 9u}) {
    options_.stop_ids = {answer[at]};
    const Outcome expected = plain();
    EXPECT_EQ(expected.result.stop_reason, StopReason::kStopToken);
    const Outcome found = guessing(right, answer);
    EXPECT_EQ(found.result.ids, expected.result.ids);
    EXPECT_EQ(found.result.stop_reason, StopReason::kStopToken);
    EXPECT_EQ(found.held, expected.held) << "guesses behind the stop are forgotten";
  }
}

TEST_F(SpeculationTest, NoMoreIsGuessedThanTheAnswerMayHave) {
  const std::vector<TokenId> answer = plain().result.ids;
  for (size_t most = 1; most < 20; ++most) {
    options_.max_new_tokens = most;
    const Outcome found = guessing(right, answer);
    EXPECT_EQ(found.result.ids,
              std::vector<TokenId>(answer.begin(), answer.begin() + static_cast<long>(most)));
    EXPECT_EQ(found.result.stop_reason, StopReason::kMaxNewTokens);
    EXPECT_EQ(found.held.size(), prompt_.size() + most - 1);
  }
}

TEST_F(SpeculationTest, TheEndOfTheRoomCutsGuesses) {
  for (size_t room = 0; room < 20; ++room) {
    session_options_.max_length = prompt_.size() + room;
    expect_no_difference();
    EXPECT_EQ(plain().result.stop_reason, StopReason::kWindowFull);
  }
}

TEST_F(SpeculationTest, ASmallPrefillBlockBoundsTheBatch) {
  session_options_.prefill_block = 3;
  expect_no_difference();
}

TEST_F(SpeculationTest, CancellingWithinRightGuessesKeepsWhatWasSaid) {
  const std::vector<TokenId> answer = plain().result.ids;
  for (const size_t stop_after : {1u, 4u, 9u}) {
    std::vector<Outcome> runs;
    for (const bool guess : {false, true}) {
      std::atomic<bool> cancel = false;
      size_t said = 0;
      ScriptedDrafter drafter(answer, right);
      runs.push_back(
          run(guess ? &drafter : nullptr, [&](TokenId) { cancel = ++said == stop_after; }, &cancel));
    }
    EXPECT_EQ(runs[1].result.stop_reason, StopReason::kCancelled);
    EXPECT_EQ(runs[1].result.ids.size(), stop_after);
    EXPECT_EQ(runs[1].held, runs[0].held);
  }
}

TEST_F(SpeculationTest, ASecondAnswerReusesWhatGuessesLeft) {
  Session session(model_, session_options_);
  const std::vector<TokenId> answer = plain().result.ids;
  ScriptedDrafter drafter(answer, sometimes);
  options_.drafter = &drafter;
  options_.max_new_tokens = 20;
  generate(session, prompt_, options_);
  std::vector<TokenId> longer = prompt_;
  longer.insert(longer.end(), answer.begin(), answer.begin() + 20);
  options_.drafter = nullptr;
  options_.speculation = false;
  options_.max_new_tokens = 40;
  const GenerateResult more = generate(session, longer, options_);
  EXPECT_EQ(more.reused_tokens, prompt_.size() + 19);
  EXPECT_EQ(more.ids, std::vector<TokenId>(answer.begin() + 20, answer.end()));
}

// Dynamic NTK past its window turns each token by another length: none is computed with another.
TEST_F(SpeculationTest, DynamicNtkPastItsWindowGoesOneByOne) {
  const std::shared_ptr<const Model> owner = model_;  // of what the copy points to
  auto turned = std::make_shared<Model>(*model_);
  RopeConfig& rope = turned->config.rope;
  rope.scaling = RopeScaling::kDynamicNtk;
  rope.factor = 2.0;
  rope.original_max_position = static_cast<uint32_t>(prompt_.size()) + 13;
  model_ = turned;
  expect_no_difference();
  Session session(model_, session_options_);
  session.prefill(prompt_);
  EXPECT_EQ(session.step_room(), kFewTokens);
  for (int i = 0; i < 8; ++i) session.step(5);
  EXPECT_EQ(session.step_room(), 5u);
  for (int i = 0; i < 5; ++i) session.step(5);
  EXPECT_EQ(session.step_room(), 1u);
}

// The drafter of the product, on a text that repeats itself.
TEST_F(SpeculationTest, LookupInARepetitivePromptIsExact) {
  prompt_.resize(40);
  const std::vector<TokenId> once = prompt_;
  for (int i = 0; i < 6; ++i) prompt_.insert(prompt_.end(), once.begin(), once.end());
  options_.max_new_tokens = 200;
  for (const float penalty : {1.0f, 1.1f}) {
    options_.sampling.repetition_penalty = penalty;
    const Outcome expected = plain();
    SpeculationGate gate;
    PromptDrafter drafter(prompt_, options_.max_new_tokens, gate);
    const Outcome found = run(&drafter);
    EXPECT_EQ(found.result.ids, expected.result.ids);
    EXPECT_EQ(found.held, expected.held);
  }
}

}  // namespace
}  // namespace longscroll
