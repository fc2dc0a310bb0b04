#include "metrics/rouge.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace longscroll {
namespace {

constexpr double kExact = 1e-12;  // sums of a few doubles

std::u32string words(size_t count) {
  std::u32string text;
  for (size_t i = 0; i < count; ++i) {
    text.append(i % 7 + 1, static_cast<char32_t>(U'a' + i % 26));
    text.push_back(U' ');
  }
  return text;
}

TEST(RougePackageL, AnEqualTextIsALittleLessThanOne) {
  EXPECT_NEAR(rouge_package_l(U"a b c", U"a b c", kNoLimit), 1 / (1 + 0.5e-8), kExact);
}

TEST(RougePackageL, CountsDistinctWordsOverSentences) {
  // Reference: a b | c; prediction: c | b a. Longest common ones: of (ab, ba) one word, of the others c.
  EXPECT_NEAR(rouge_package_l(U"c. b a", U"a b. c", kNoLimit), 2.0 / 3, 1e-8);
}

TEST(RougePackageL, WhiteSpaceBetweenPointsIsAWordAndNothingIsNone) {
  EXPECT_GT(rouge_package_l(U". .", U"x. .", kNoLimit), 0.6);
  EXPECT_EQ(rouge_package_l(U"...", U"a", kNoLimit), 0);
  EXPECT_EQ(rouge_package_l(U"", U"", kNoLimit), 0);
}

TEST(RougePackageL, EndsWherePythonsRecursionDoes) {
  const std::u32string below = words(990);
  EXPECT_GT(rouge_package_l(below, below, kRecursionLimit), 0.99);
  const std::u32string above = words(991);
  EXPECT_EQ(rouge_package_l(above, above, kRecursionLimit), 0);
  EXPECT_GT(rouge_package_l(above, above, kNoLimit), 0.99);
}

TEST(GoogleRouge, CountsWordsPairsAndTheLongestSequence) {
  const GoogleRouge rouge = google_rouge(U"the cat sat on the mat", U"The cat is on the mat!");
  EXPECT_NEAR(rouge.rouge1, 5.0 / 6, kExact);
  EXPECT_NEAR(rouge.rouge2, 0.6, kExact);
  EXPECT_NEAR(rouge.l, 5.0 / 6, kExact);
}

TEST(GoogleRouge, KnowsAsciiLettersAndDigitsOnly) {
  EXPECT_EQ(google_rouge(U"会议", U"会议").rouge1, 0);
  EXPECT_EQ(google_rouge(U"x²+y", U"X Y").rouge2, 1);
}

TEST(GoogleRouge, LinesAreTheSentencesOfLsum) {
  const GoogleRouge rouge = google_rouge(U"b\na", U"a\nb");
  EXPECT_EQ(rouge.l, 0.5);
  EXPECT_EQ(rouge.lsum, 1);
}

TEST(BootstrapMedians, EqualNumpysToTheLastBit) {
  std::ifstream file(std::string(LONGSCROLL_GOLDEN_DIR) + "/metrics/bootstrap.jsonl");
  size_t rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const nlohmann::json row = nlohmann::json::parse(line);
    const auto columns = row["columns"].get<std::vector<std::vector<double>>>();
    EXPECT_EQ(bootstrap_medians(columns), row["medians"].get<std::vector<double>>())
        << columns[0].size() << " items";
  }
  EXPECT_GT(rows, 5u);
}

TEST(BootstrapMedians, OfNothingAreZero) {
  EXPECT_EQ(bootstrap_medians(std::vector<std::vector<double>>(1)), std::vector<double>{0});
}

}  // namespace
}  // namespace longscroll
