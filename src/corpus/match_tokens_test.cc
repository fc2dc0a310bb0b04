#include "corpus/match_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace longscroll::corpus {
namespace {

MatchTokens tokens_of(std::string_view text) {
  MatchTokens tokens;
  match_tokens(text, tokens);
  return tokens;
}

std::vector<uint64_t> shingles_of(std::string_view text, size_t n) {
  std::vector<uint64_t> hashes;
  shingle_hashes(tokens_of(text), n, hashes);
  return hashes;
}

TEST(MatchTokens, AreWordsWithoutCaseAndPunctuation) {
  EXPECT_EQ(tokens_of("Don't  panic: É2!").hashes, tokens_of("don t\nPANIC — é2").hashes);
  EXPECT_EQ(tokens_of("a b").size(), 2U);
  EXPECT_NE(tokens_of("ab").hashes, tokens_of("a b").hashes);
  EXPECT_EQ(tokens_of(" ,.!\n").size(), 0U);
}

TEST(MatchTokens, AreCharactersWhereWordsHaveNoSpaces) {
  const MatchTokens tokens = tokens_of("长文本LLM模型，かな");
  EXPECT_EQ(tokens.size(), 8U);
  EXPECT_EQ(std::count(tokens.is_ideograph.begin(), tokens.is_ideograph.end(), 1), 7);
  EXPECT_EQ(tokens_of("长文本").hashes, tokens_of("长，文\n本").hashes);
}

TEST(MatchTokens, KnowWhereTheyAre) {
  const std::string text = "，One 二.";
  const MatchTokens tokens = tokens_of(text);
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(text.substr(tokens.begin[0], tokens.end[0] - tokens.begin[0]), "One");
  EXPECT_EQ(text.substr(tokens.begin[1], tokens.end[1] - tokens.begin[1]), "二");
}

TEST(Shingles, AreTheSameWhereverTheyAre) {
  const std::vector<uint64_t> alone = shingles_of("the quick brown fox jumps", 5);
  ASSERT_EQ(alone.size(), 1U);
  const std::vector<uint64_t> inside = shingles_of("and then the quick brown fox jumps over it all", 5);
  EXPECT_EQ(inside.size(), 6U);
  EXPECT_EQ(std::count(inside.begin(), inside.end(), alone[0]), 1);
  EXPECT_EQ(std::set<uint64_t>(inside.begin(), inside.end()).size(), 6U);
}

TEST(Shingles, DependOnTheOrderOfTheirTokens) {
  EXPECT_NE(shingles_of("a b c d e", 5), shingles_of("b a c d e", 5));
}

TEST(Shingles, OfAShortTextAreTheWholeText) {
  EXPECT_EQ(shingles_of("a b", 5), shingles_of("A, B.", 5));
  EXPECT_EQ(shingles_of("a b", 5).size(), 1U);
  EXPECT_TRUE(shingles_of("...", 5).empty());
}

}  // namespace
}  // namespace longscroll::corpus
