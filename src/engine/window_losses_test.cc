#include "engine/window_losses.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longscroll {
namespace {

TEST(ScoreWindows, EachTokenButTheFirstIsPredictedOnceWithinItsWindow) {
  for (size_t count = 0; count <= 40; ++count) {
    for (size_t ctx = 1; ctx <= 12; ++ctx) {
      for (size_t stride = 1; stride <= ctx; ++stride) {
        std::vector<int> predicted(count, 0);
        for (const ScoreWindow& window : score_windows(count, ctx, stride)) {
          ASSERT_LE(window.length, ctx);
          ASSERT_GT(window.first_target, window.begin);
          for (size_t target = window.first_target; target <= window.begin + window.length; ++target) {
            ASSERT_LT(target, count);
            ++predicted[target];
          }
        }
        for (size_t i = 0; i < count; ++i) {
          ASSERT_EQ(predicted[i], i == 0 ? 0 : 1) << count << ' ' << ctx << ' ' << stride << ' ' << i;
        }
      }
    }
  }
}

TEST(ScoreWindows, AreTheOnesOfTheTableInTheHeader) {
  const std::vector<ScoreWindow> windows = score_windows(8, 4, 2);
  ASSERT_EQ(windows.size(), 3u);
  const size_t expected[3][3] = {{0, 4, 1}, {2, 4, 5}, {3, 4, 7}};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(windows[i].begin, expected[i][0]);
    EXPECT_EQ(windows[i].length, expected[i][1]);
    EXPECT_EQ(windows[i].first_target, expected[i][2]);
  }
}

TEST(ScoreWindows, ATextShorterThanTheContextIsOneWindow) {
  const std::vector<ScoreWindow> windows = score_windows(5, 100, 10);
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows[0].length, 4u);
}

TEST(NegativeLogLikelihood, IsTheLogOfTheVocabularyWhenAllAreEqual) {
  const std::vector<float> logits(1000, 7.5f);
  EXPECT_NEAR(negative_log_likelihood(logits, 3), std::log(1000.0), 1e-12);
}

TEST(NegativeLogLikelihood, StaysFiniteForLargeLogits) {
  const std::vector<float> logits = {1e4f, -1e4f};
  EXPECT_NEAR(negative_log_likelihood(logits, 0), 0.0, 1e-12);
  EXPECT_NEAR(negative_log_likelihood(logits, 1), 2e4, 1e-8);
}

TEST(PositionBuckets, EndAtPowersOfTwoAndHalfway) {
  for (const auto& [context, bucket] :
       {std::pair{1, 64}, {64, 64}, {65, 96}, {96, 96}, {97, 128}, {129, 192}, {193, 256}, {4096, 4096}}) {
    EXPECT_EQ(position_bucket(static_cast<size_t>(context)), static_cast<size_t>(bucket)) << context;
  }
}

}  // namespace
}  // namespace longscroll
