#include "engine/prompt_lookup.h"

#include <gtest/gtest.h>

#include <random>

namespace longscroll {
namespace {

using Ids = std::vector<TokenId>;

TEST(PromptLookup, FindsWhatFollowedTheLongestAgreement) {
  //            0  1  2  3  4  5  6  7  8  9
  const Ids text = {7, 1, 2, 3, 9, 8, 2, 3, 5, 1, 2, 3};
  const auto match = PromptLookup(text, 0).find();
  EXPECT_EQ(match.length, 3u);
  EXPECT_EQ(match.next, 4u) << "1 2 3 agrees longer than the later 2 3";
}

TEST(PromptLookup, TakesTheLatestOfEquallyLongAgreements) {
  const auto match = PromptLookup(Ids{1, 2, 10, 1, 2, 11, 1, 2}, 0).find();
  EXPECT_EQ(match.length, 2u);
  EXPECT_EQ(match.next, 5u);
}

TEST(PromptLookup, TakesTheLatestPlaceOfOneIdWhereNoTwoAgree) {
  const auto match = PromptLookup(Ids{1, 2, 3, 2, 4, 5, 2}, 0).find();
  EXPECT_EQ(match.length, 1u);
  EXPECT_EQ(match.next, 4u);
}

TEST(PromptLookup, AnIdThatIsNewAgreesWithNothing) {
  EXPECT_EQ(PromptLookup(Ids{1, 2, 3}, 0).find().length, 0u);
  EXPECT_EQ(PromptLookup(Ids{1}, 0).find().length, 0u);
  EXPECT_EQ(PromptLookup({}, 0).find().length, 0u);
}

TEST(PromptLookup, AppendedIdsAreFoundLater) {
  PromptLookup lookup(Ids{1, 2, 3}, 4);
  for (const TokenId id : {9, 1, 2}) lookup.append(id);
  EXPECT_EQ(lookup.find().next, 2u);
  EXPECT_EQ(lookup.find().length, 2u);
  EXPECT_EQ(lookup.text().size(), 6u);
}

TEST(PromptLookup, ARunOfOneIdAgreesWithItselfOneBack) {
  const auto match = PromptLookup(Ids(20, 5), 0).find();
  EXPECT_EQ(match.next, 19u);
  EXPECT_EQ(match.length, PromptLookup::kLongest);
}

// Against every place tried in turn; few enough ids that no place is passed over for being too many.
TEST(PromptLookup, AgreesWithASearchOfEveryPlace) {
  std::mt19937 random(4);
  Ids text;
  PromptLookup lookup({}, 800);
  for (int i = 0; i < 800; ++i) {
    text.push_back(static_cast<TokenId>(random() % 6));
    lookup.append(text.back());
    PromptLookup::Match best;
    for (size_t end = text.size() - 1; end-- > 0;) {
      size_t length = 0;
      while (length <= end && length < PromptLookup::kLongest &&
             text[end - length] == text[text.size() - 1 - length])
        ++length;
      if (length > best.length) best = {end + 1, length};
    }
    ASSERT_EQ(lookup.find().length, best.length) << i;
    ASSERT_EQ(lookup.find().next, best.next) << i;
  }
}

}  // namespace
}  // namespace longscroll
