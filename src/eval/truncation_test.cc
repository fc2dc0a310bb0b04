// Proof 4 of the evaluation: prompts around every limit, with every rule.
#include "eval/truncation.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"
#include "eval/fake_models.h"

namespace longscroll {
namespace {

using test::FakeModel;

std::vector<TokenId> counting(size_t count) {
  std::vector<TokenId> ids(count);
  std::iota(ids.begin(), ids.end(), 100);
  return ids;
}

std::vector<Turn> document_and_question(size_t characters) {
  std::string document;
  for (size_t i = 0; i < characters; ++i) document += static_cast<char>('a' + i % 26);
  return {{"system", "Be brief."}, {"user", document + "\nQUESTION?"}};
}

bool ends_with(std::span<const TokenId> ids, std::span<const TokenId> end) {
  return ids.size() >= end.size() && std::ranges::equal(ids.last(end.size()), end);
}
bool begins_with(std::span<const TokenId> ids, std::span<const TokenId> begin) {
  return ids.size() >= begin.size() && std::ranges::equal(ids.first(begin.size()), begin);
}

TEST(MiddleCut, KeepsTheFirstAndLastHalfOfTheRoom) {
  for (const size_t room : {2u, 3u, 10u, 11u, 511u, 512u}) {
    for (size_t n = room + 1; n < room + 40; ++n) {
      const std::vector<TokenId> ids = counting(n);
      const CutIds cut = *cut_within(ids, room, 0, n, TruncationMode::kMiddle);
      EXPECT_EQ(cut.kept_first, room / 2);
      EXPECT_EQ(cut.kept_last, room / 2);
      EXPECT_TRUE(begins_with(cut.ids, std::span(ids).first(room / 2)));
      EXPECT_TRUE(ends_with(cut.ids, std::span(ids).last(room / 2)));
      EXPECT_EQ(cut.ids.size(), room / 2 * 2);
    }
  }
}

TEST(LeftAndRightCut, KeepOneEndAndFillTheRoom) {
  const std::vector<TokenId> ids = counting(100);
  const CutIds left = *cut_within(ids, 30, 0, 100, TruncationMode::kLeft);
  EXPECT_TRUE(std::ranges::equal(left.ids, std::span(ids).last(30)));
  const CutIds right = *cut_within(ids, 30, 0, 100, TruncationMode::kRight);
  EXPECT_TRUE(std::ranges::equal(right.ids, std::span(ids).first(30)));
}

TEST(OpenCompassCut, TakesTheWindowFromTheRightBeforeTheMiddle) {
  const size_t window = 100, room = 80;
  for (const size_t n : {79u, 80u, 81u, 99u, 100u, 101u, 250u}) {
    const std::vector<TokenId> ids = counting(n);
    const std::span<const TokenId> seen = std::span(ids).last(std::min(n, window));
    const CutIds cut = cut_as_opencompass(ids, window, room);
    if (n <= room) {
      EXPECT_EQ(cut.ids, ids);
      continue;
    }
    ASSERT_EQ(cut.ids.size(), 80u) << n;
    EXPECT_TRUE(std::ranges::equal(std::span(cut.ids).first(40), seen.first(40))) << n;
    EXPECT_TRUE(std::ranges::equal(std::span(cut.ids).last(40), seen.last(40))) << n;
  }
}

TEST(OfficialLength, IsTheTableOfTheAuthors) {
  EXPECT_EQ(official_length(32768, 32000), 31500u);
  EXPECT_EQ(official_length(16384, 16000), 15500u);
  EXPECT_EQ(official_length(8192, 8000), 7500u);
  EXPECT_EQ(official_length(4096, 4000), 3500u);
  EXPECT_EQ(official_length(4096, 3000), 3000u) << "never above the room";
  EXPECT_EQ(official_length(512, 400), 400u);
}

struct Case {
  TruncationMode mode;
  MiddleRule rule;
};
constexpr Case kCases[] = {{TruncationMode::kMiddle, MiddleRule::kOpenCompass},
                           {TruncationMode::kMiddle, MiddleRule::kOfficial},
                           {TruncationMode::kMiddle, MiddleRule::kWithinTurn},
                           {TruncationMode::kLeft, MiddleRule::kOpenCompass},
                           {TruncationMode::kRight, MiddleRule::kOpenCompass}};

TEST(FittedPrompts, NeverLeaveTheWindowAndSayWhatTheyLost) {
  const FakeModel model([](const std::string&) { return ""; });
  size_t cut = 0, whole = 0;
  for (const size_t window : {120u, 257u, 1200u, 2048u}) {
    for (const size_t answer : {1u, 2u, 31u, 64u}) {
      for (const Case& c : kCases) {
        for (size_t n = window - 120; n < window + 60; ++n) {  // around the room, the window, and L
          const std::vector<Turn> turns = document_and_question(n);
          const size_t before = model.prompt_ids(turns, false).size();
          const FittedPrompt fitted =
              fit_prompt(model, turns, false, answer, {c.mode, c.rule, window}, "item");
          const size_t after = fitted.prompt.ids.size();
          ASSERT_LE(after + answer, window);
          ASSERT_GT(after, 0u);
          fitted.truncation ? ++cut : ++whole;
          if (!fitted.truncation) {
            EXPECT_EQ(fitted.prompt.ids, model.prompt_ids(turns, false));
          } else if (c.rule != MiddleRule::kOfficial || c.mode != TruncationMode::kMiddle) {
            EXPECT_EQ(fitted.truncation->dropped, before - after);
            EXPECT_EQ(fitted.truncation->kept_first + fitted.truncation->kept_last, after);
            if (c.mode == TruncationMode::kMiddle) {
              EXPECT_LE(after + 1 + answer, window + 1);
              EXPECT_GE(after + answer + 1, window) << "no more is lost than the halves ask for";
            }
          }
        }
      }
    }
  }
  EXPECT_GT(cut, 1000u);
  EXPECT_GT(whole, 1000u);
}

TEST(FittedPrompts, KeepTemplateAndQuestionWithinTheTurn) {
  const FakeModel model([](const std::string&) { return ""; });
  for (const size_t window : {150u, 151u, 500u}) {
    for (const size_t extra : {0u, 1u, 2u, 77u, 1000u}) {
      const std::vector<Turn> turns = document_and_question(window + extra);
      const TruncationOptions options{TruncationMode::kMiddle, MiddleRule::kWithinTurn, window};
      const FittedPrompt fitted = fit_prompt(model, turns, false, 20, options, "item");
      ASSERT_TRUE(fitted.truncation);
      std::vector<TokenId> head = model.prompt_ids(std::span(turns).first(1), false);
      head.pop_back();  // the turn that would follow
      const auto question = model.tokenizer()->encode("\nQUESTION?", {.add_special = false});
      std::vector<TokenId> tail(question);
      tail.insert(tail.end(), {test::kFakeEnd, test::kFakeTurn});
      EXPECT_TRUE(begins_with(fitted.prompt.ids, head));
      EXPECT_TRUE(ends_with(fitted.prompt.ids, tail));
      const size_t first = fitted.truncation->kept_first, last = fitted.truncation->kept_last;
      EXPECT_LE(first > last ? first - last : last - first, 1u);
    }
  }
}

TEST(FittedPrompts, OfManyTurnsOnlyTheLongestLosesAnything) {
  const FakeModel model([](const std::string&) { return ""; });
  const std::vector<Turn> turns = {
      {"user", std::string(300, 'x')}, {"assistant", "A"}, {"user", std::string(90, 'q')}};
  const FittedPrompt fitted =
      fit_prompt(model, turns, false, 10, {TruncationMode::kMiddle, MiddleRule::kWithinTurn, 160}, "item");
  EXPECT_EQ(std::ranges::count(fitted.prompt.ids, static_cast<TokenId>('q') + 16), 90);
  EXPECT_EQ(std::ranges::count(fitted.prompt.ids, test::kFakeTurn), 4);
  EXPECT_LE(fitted.prompt.ids.size(), 150u);
}

TEST(FittedPrompts, UnderTheAuthorsRuleTheTemplateComesAfterTheCut) {
  const FakeModel model([](const std::string&) { return ""; });
  const size_t window = 2048;  // L = 1500
  const std::vector<Turn> turns = {
      {"user", std::string(800, 'a') + std::string(5000, '-') + std::string(800, 'z')}};
  const TruncationOptions options{TruncationMode::kMiddle, MiddleRule::kOfficial, window};
  const FittedPrompt fitted = fit_prompt(model, turns, false, 64, options, "item");
  ASSERT_TRUE(fitted.truncation);
  EXPECT_EQ(fitted.truncation->kept_first, 750u);
  EXPECT_EQ(fitted.truncation->kept_last, 750u);
  // The BOS that the bare text had was one of the first half, and is not decoded.
  EXPECT_EQ(fitted.prompt.turns[0].content, std::string(749, 'a') + std::string(750, 'z'));
  EXPECT_EQ(fitted.prompt.ids, model.prompt_ids(fitted.prompt.turns, false));
  EXPECT_EQ(std::ranges::count(fitted.prompt.ids, test::kFakeBos), 1);
}

TEST(FittedPrompts, AreRefusedWhereNothingMayBeCut) {
  const FakeModel model([](const std::string&) { return ""; });
  const auto turns = document_and_question(200);
  TruncationOptions refuse{TruncationMode::kRefuse, MiddleRule::kOpenCompass, 150};
  EXPECT_THROW(fit_prompt(model, turns, false, 10, refuse, "item"), Error);
  refuse.window = 400;
  EXPECT_FALSE(fit_prompt(model, turns, false, 10, refuse, "item").truncation);
  const TruncationOptions tiny{TruncationMode::kMiddle, MiddleRule::kWithinTurn, 20};
  EXPECT_THROW(fit_prompt(model, turns, false, 20, tiny, "item"), Error) << "no room at all";
  EXPECT_THROW(fit_prompt(model, turns, false, 5, tiny, "item"), Error) << "not even for the template";
}

TEST(FittedChoices, LeaveRoomForTheLongest) {
  for (size_t context = 80; context < 130; ++context) {
    EncodedChoices choices{counting(context), {counting(1), counting(7)}};
    const auto truncation =
        fit_choices(choices, {TruncationMode::kMiddle, MiddleRule::kOpenCompass, 100}, "item");
    EXPECT_LE(choices.context.size() + 7, 100u);
    EXPECT_EQ(truncation.has_value(), context > 93);
    EXPECT_EQ(truncation ? truncation->dropped : 0, context - choices.context.size());
  }
}

}  // namespace
}  // namespace longscroll
