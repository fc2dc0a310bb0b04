#include "metrics/similarity.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longscroll {
namespace {

using testing::ElementsAre;

TEST(EditDistance, CountsInsertionsDeletionsAndSubstitutions) {
  EXPECT_EQ(edit_distance(U"flaw", U"lawn"), 2u);
  EXPECT_EQ(edit_distance(U"", U"中文"), 2u);
  EXPECT_EQ(edit_distance(U"kitten", U"sitting"), 3u);
}

TEST(WalkLcs, TiesAreBrokenAsEachPackageDoes) {
  const std::vector<uint32_t> reference = {1, 2};
  const std::vector<uint32_t> prediction = {2, 1};
  EXPECT_THAT(walk_lcs(reference, prediction, LcsTie::kDropReference).reference, ElementsAre(0u));
  const LcsWalk walk = walk_lcs(reference, prediction, LcsTie::kDropPrediction);
  EXPECT_THAT(walk.reference, ElementsAre(1u));
  EXPECT_EQ(walk.steps, 2u);
}

TEST(FuzzyRatio, RoundsHalfToEven) {
  EXPECT_EQ(fuzzy_ratio(U"a", U"abbbbbbbbbbbbbb", Matcher::kLevenshtein), 12);  // 12.5
  EXPECT_EQ(fuzzy_ratio(U"", U"", Matcher::kLevenshtein), 100);
  EXPECT_EQ(fuzzy_ratio(U"", U"a", Matcher::kDifflib), 0);
}

TEST(FuzzyRatio, DifflibFollowsTheLongestBlockAndDependsOnTheOrder) {
  EXPECT_EQ(fuzzy_ratio(U"tide", U"diet", Matcher::kDifflib), 25);
  EXPECT_EQ(fuzzy_ratio(U"diet", U"tide", Matcher::kDifflib), 50);
  EXPECT_EQ(fuzzy_ratio(U"diet", U"tide", Matcher::kLevenshtein), 50);
}

TEST(FuzzyRatio, DifflibOverlooksCommonCharactersFrom200On) {
  const std::u32string common(199, U'a');
  EXPECT_EQ(fuzzy_ratio(U"ba", common, Matcher::kDifflib), 1);  // 2 / 201
  EXPECT_EQ(fuzzy_ratio(U"ba", common + U"a", Matcher::kDifflib), 0);
}

}  // namespace
}  // namespace longscroll
