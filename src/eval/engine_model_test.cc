// The engine behind the evaluation's interface: BOS, stop strings, reuse and likelihoods.
#include "eval/engine_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/tiny_gguf.h"

namespace longscroll {
namespace {

using test::TinyForm;

class EngineModelTest : public testing::Test {
 protected:
  EngineModel open(TinyForm form, size_t max_length = 2048) {
    model_ = test::tiny_model(folder_, form);
    EngineModelOptions options;
    options.session.threads = 2;
    options.session.max_length = max_length;
    options.session.kv_type = KvType::kQ8;
    options.chat = detect_chat_format(model_->chat_metadata);
    return {model_, options};
  }
  static EvalPrompt prompt(const EngineModel& model, const std::string& text, bool bare = false) {
    const std::vector<Turn> turns = {{"user", text}};
    return {turns, bare, model.prompt_ids(turns, bare)};
  }
  static size_t count_bos(std::span<const TokenId> ids) {
    return static_cast<size_t>(std::ranges::count(ids, test::kTinyBos));
  }

  test::TempFolder folder_;
  std::shared_ptr<const Model> model_;
};

std::string long_text(size_t characters, char salt = 0) {
  std::string text;
  for (size_t i = 0; i < characters; ++i)
    text += static_cast<char>('a' + (i * i + static_cast<size_t>(salt)) % 23);
  return text;
}

TEST_F(EngineModelTest, BosIsInEveryPromptExactlyOnce) {
  for (const TinyForm form : {TinyForm::kBase, TinyForm::kLlama3}) {
    const EngineModel model = open(form);
    for (const char* text : {"a question", "", "<|begin_of_text|> as text"}) {
      for (const bool bare : {false, true}) {
        const EvalPrompt asked = prompt(model, text, bare);
        EXPECT_EQ(count_bos(asked.ids), 1u) << text << bare;
        EXPECT_EQ(asked.ids.front(), test::kTinyBos);
        const std::vector<std::string> choices = {" A", " B"};
        EXPECT_EQ(count_bos(model.encode_choices(asked.turns, bare, choices).context), 1u);
      }
    }
    const std::vector<Turn> shots = {{"system", "s"}, {"user", "q"}, {"assistant", "a"}, {"user", "q"}};
    EXPECT_EQ(count_bos(model.prompt_ids(shots, false)), 1u);
  }
  const EngineModel chatml = open(TinyForm::kChatML);
  EXPECT_EQ(count_bos(prompt(chatml, "a question").ids), 0u) << "this model has none";
}

TEST_F(EngineModelTest, AnAnswerDoesNotDependOnWhatWasReadBefore) {
  EngineModel reused = open(TinyForm::kChatML);
  size_t found = 0;
  for (const size_t shared : {100u, 600u, 1100u, 1300u}) {
    const EvalPrompt asked = prompt(reused, long_text(shared) + long_text(200, 1));
    const Generated after_others = reused.generate(asked, 24, {}, {});
    found += after_others.costs.reused_tokens;
    EngineModel fresh = open(TinyForm::kChatML);
    const Generated alone = fresh.generate(asked, 24, {}, {});
    EXPECT_EQ(after_others.text, alone.text);
    EXPECT_EQ(after_others.generated_tokens, alone.generated_tokens);
    EXPECT_EQ(alone.costs.reused_tokens, 0u);
  }
  EXPECT_EQ(found, 512u + 1024u) << "600 and 1100 characters were read before";
}

TEST_F(EngineModelTest, RestoringMakesTheCacheOfARunThatWasNotCut) {
  EngineModel whole = open(TinyForm::kChatML), cut = open(TinyForm::kChatML);
  const EvalPrompt before = prompt(whole, long_text(1200)), next = prompt(whole, long_text(900) + "?");
  whole.generate(before, 8, {}, {});
  cut.restore(before.ids, next.ids, {});
  const Generated expected = whole.generate(next, 8, {}, {}), found = cut.generate(next, 8, {}, {});
  EXPECT_EQ(expected.costs.reused_tokens, 512u);
  EXPECT_EQ(found.costs.reused_tokens, expected.costs.reused_tokens);
  EXPECT_EQ(found.text, expected.text);
  cut.forget();
  EXPECT_EQ(cut.generate(next, 8, {}, {}).costs.reused_tokens, 0u);
}

TEST_F(EngineModelTest, AnAnswerEndsBeforeTheFirstStopString) {
  EngineModel model = open(TinyForm::kChatML);
  const EvalPrompt asked = prompt(model, long_text(50));
  const Generated free = model.generate(asked, 40, {}, {});
  ASSERT_GT(free.text.size(), 10u);
  EXPECT_EQ(free.finish, Finish::kLength);
  const std::vector<std::string> stops = {free.text.substr(7, 2), "never said"};
  const Generated stopped = model.generate(asked, 40, stops, {});
  EXPECT_EQ(stopped.text, free.text.substr(0, free.text.find(stops[0])));
  EXPECT_EQ(stopped.finish, Finish::kStop);
  EXPECT_LT(stopped.generated_tokens, free.generated_tokens);
}

TEST_F(EngineModelTest, AFullWindowEndsAnAnswer) {
  EngineModel model = open(TinyForm::kChatML, 64);
  const EvalPrompt asked = prompt(model, "abc");
  const Generated made = model.generate(asked, 500, {}, {});
  EXPECT_EQ(made.finish, Finish::kWindow);
  EXPECT_EQ(made.generated_tokens, 64 - asked.ids.size() + 1);
}

TEST_F(EngineModelTest, LikelihoodsInStepsAndInBlocksAreThoseOfTheLogits) {
  EngineModel model = open(TinyForm::kBase);
  const std::vector<Turn> turns = {{"user", "The answer: "}};
  const std::vector<std::string> choices = {"A", "Bcd", long_text(20)};
  const EncodedChoices steps = model.encode_choices(turns, true, choices);
  const Likelihoods found = model.log_likelihoods(steps, {});
  EXPECT_EQ(found.tokens, (std::vector<size_t>{1, 3, 20}));
  // A long choice sends all of them through in blocks.
  EncodedChoices blocks = steps;
  blocks.continuations.push_back(
      model.encode_choices(turns, true, std::vector{long_text(100)}).continuations[0]);
  const Likelihoods in_blocks = model.log_likelihoods(blocks, {});
  ASSERT_EQ(in_blocks.nats.size(), 4u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_LT(found.nats[i], 0);
    // Bytes of keys and values in both; the grouping into rows rounds differently.
    EXPECT_NEAR(found.nats[i], in_blocks.nats[i], 0.02 * std::abs(in_blocks.nats[i]));
  }
  EXPECT_EQ(model.log_likelihoods(steps, {}).nats, found.nats);
}

TEST_F(EngineModelTest, ChoicesThatMergeWithThePromptAreEncodedWithIt) {
  const EngineModel model = open(TinyForm::kBase);
  const std::vector<Turn> turns = {{"user", "x"}};
  const EncodedChoices encoded = model.encode_choices(turns, true, std::vector<std::string>{"yz"});
  std::vector<TokenId> whole = encoded.context;
  whole.insert(whole.end(), encoded.continuations[0].begin(), encoded.continuations[0].end());
  EXPECT_EQ(whole, model.tokenizer()->encode("xyz"));
}

TEST_F(EngineModelTest, CtrlCEndsReadingAndAnswering) {
  EngineModel model = open(TinyForm::kChatML);
  const std::atomic<bool> cancel = true;
  ModelEvents events;
  events.cancel = &cancel;
  EXPECT_THROW(model.generate(prompt(model, long_text(900)), 8, {}, events), Error);
}

TEST_F(EngineModelTest, AModelsHashIsItsFiles) {
  folder_.write("a", "abc");
  EXPECT_EQ(hash_model(folder_.path() / "a", nullptr),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  std::filesystem::create_directory(folder_.path() / "d");
  folder_.write("d/x", "1");
  const std::string before = hash_model(folder_.path() / "d", nullptr);
  folder_.write("d/y", "2");
  EXPECT_NE(hash_model(folder_.path() / "d", nullptr), before);
}

}  // namespace
}  // namespace longscroll
