#include "engine/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/error.h"

namespace longscroll {
namespace {

std::map<TokenId, int> draws(SamplingOptions options, const std::vector<float>& logits, int count) {
  Sampler sampler(options, {}, logits.size());
  std::map<TokenId, int> seen;
  for (int i = 0; i < count; ++i) ++seen[sampler.next(logits)];
  return seen;
}

TEST(Sampler, GreedyTakesTheLargestAndTheLowestIdOfATie) {
  Sampler sampler({}, {}, 4);
  EXPECT_EQ(sampler.next(std::vector<float>{1, 3, 3, 2}), 1);
}

TEST(Sampler, RepetitionPenaltyDividesPositiveAndMultipliesNegativeScoresOfSeenIds) {
  const std::vector<TokenId> prompt = {0, 1};
  Sampler sampler({.repetition_penalty = 2.0f}, prompt, 3);
  EXPECT_EQ(sampler.next(std::vector<float>{3.0f, -1.0f, 1.6f}), 2);  // 1.5, -2, 1.6
  EXPECT_EQ(sampler.next(std::vector<float>{3.0f, -1.0f, 1.6f}), 0);  // the answer's own ids count too
}

TEST(Sampler, PresenceAndFrequencyPenaltiesCountTheAnswerOnly) {
  const std::vector<TokenId> prompt = {0};
  Sampler sampler({.presence_penalty = 0.5f, .frequency_penalty = 0.3f}, prompt, 2);
  const std::vector<float> logits = {1.0f, 0.0f};
  EXPECT_EQ(sampler.next(logits), 0);  // 1.0
  EXPECT_EQ(sampler.next(logits), 0);  // 0.2
  EXPECT_EQ(sampler.next(logits), 1);  // -0.1
}

TEST(Sampler, DrawsFollowTheSoftmax) {
  const std::vector<float> logits = {std::log(0.6f), std::log(0.3f), std::log(0.1f)};
  const auto seen = draws({.temperature = 1.0f, .seed = 5}, logits, 20000);
  // five standard deviations of a binomial of 20,000
  EXPECT_NEAR(seen.at(0), 12000, 350);
  EXPECT_NEAR(seen.at(1), 6000, 330);
  EXPECT_NEAR(seen.at(2), 2000, 220);
}

TEST(Sampler, TopKTopPAndMinPCutTheTail) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
  using testing::Key;
  using testing::UnorderedElementsAre;
  EXPECT_THAT(draws({.temperature = 1, .top_k = 2}, logits, 500), UnorderedElementsAre(Key(0), Key(1)));
  EXPECT_THAT(draws({.temperature = 1, .top_p = 0.7f}, logits, 500), UnorderedElementsAre(Key(0), Key(1)));
  EXPECT_THAT(draws({.temperature = 1, .min_p = 0.25f}, logits, 500),
              UnorderedElementsAre(Key(0), Key(1), Key(2)));
  EXPECT_THAT(draws({.temperature = 1, .top_p = 0.01f}, logits, 50), UnorderedElementsAre(Key(0)));
}

TEST(Sampler, TheSeedDecidesTheDraws) {
  const std::vector<float> logits(50, 0.0f);
  EXPECT_EQ(draws({.temperature = 1, .seed = 3}, logits, 40),
            draws({.temperature = 1, .seed = 3}, logits, 40));
  EXPECT_NE(draws({.temperature = 1, .seed = 3}, logits, 40),
            draws({.temperature = 1, .seed = 4}, logits, 40));
}

TEST(Sampler, OptionsThatCannotBeAreNamed) {
  EXPECT_THROW(validate({.temperature = -1}), Error);
  EXPECT_THROW(validate({.top_p = 0}), Error);
  EXPECT_THROW(validate({.repetition_penalty = 0}), Error);
}

}  // namespace
}  // namespace longscroll
