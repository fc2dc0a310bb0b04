#include "metrics/metric.h"

#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace longscroll {
namespace {

using testing::HasSubstr;

using Texts = std::vector<std::string>;

ItemScore score(const char* metric, Protocol protocol, std::string_view prediction, const Texts& references,
                const Texts& classes = {}) {
  return find_metric(metric, protocol).score({prediction, references, classes});
}

double official(const char* metric, std::string_view prediction, const Texts& references,
                const Texts& classes = {}) {
  return score(metric, Protocol::kOfficial, prediction, references, classes).score;
}

double opencompass(const char* metric, std::string_view prediction, const Texts& references,
                   const Texts& classes = {}) {
  return score(metric, Protocol::kOpenCompass, prediction, references, classes).score;
}

double clean(const char* metric, std::string_view prediction, const Texts& references,
             const Texts& classes = {}) {
  return score(metric, Protocol::kClean, prediction, references, classes).score;
}

TEST(FindMetric, NamesTheChoicesWhenThereIsNone) {
  try {
    find_metric("bleu", Protocol::kClean);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kArgument);
    EXPECT_THAT(error.what(), HasSubstr("longbench.rouge_zh"));
  }
  EXPECT_THROW(protocol_from_name("theirs"), Error);
  EXPECT_EQ(protocol_from_name("official"), Protocol::kOfficial);
}

TEST(FindMetric, EveryNameOfTheHeaderIsThereUnderEveryProtocol) {
  for (const char* name : {"longbench.qa_f1",
                           "longbench.qa_f1_zh",
                           "longbench.rouge",
                           "longbench.rouge_zh",
                           "longbench.classification",
                           "longbench.retrieval",
                           "longbench.retrieval_zh",
                           "longbench.count",
                           "longbench.code_sim",
                           "longbench.qa_f1.first_line",
                           "longbench.rouge.first_line",
                           "longbench.classification.first_line",
                           "leval.choice_multi",
                           "leval.choice",
                           "leval.choice_quality",
                           "leval.math",
                           "leval.code",
                           "leval.judge",
                           "leval.topic",
                           "leval.f1",
                           "leval.rouge",
                           "needle.v1",
                           "needle.v1_trim",
                           "needle.v2",
                           "choice.first_option",
                           "choice.first_capital",
                           "choice.likelihood"}) {
    for (const Protocol protocol : {Protocol::kOpenCompass, Protocol::kOfficial, Protocol::kClean}) {
      EXPECT_EQ(find_metric(name, protocol).aggregate({}), 0) << name;
    }
  }
}

TEST(LongBench, TheBestReferenceCountsAndInOpenCompassTheSum) {
  EXPECT_EQ(official("longbench.count", "3 or 12", {"3", "12"}), 0.5);
  EXPECT_EQ(opencompass("longbench.count", "3 or 12", {"3", "12"}), 1);
  EXPECT_EQ(clean("longbench.count", "3 or 12", {"3", "12"}), 0.5);
}

TEST(LongBench, ClassesAreSkippedWhileTheListShrinks) {
  const Texts classes = {"entity", "other", "Other entity of other"};
  const char* answer = "Other entity of other";
  EXPECT_EQ(official("longbench.classification", answer, {"Other entity of other"}, classes), 0.5);
  EXPECT_EQ(clean("longbench.classification", answer, {"Other entity of other"}, classes), 1);
}

TEST(LongBench, TheFirstLineIsCutAtLineFeedsOnly) {
  EXPECT_EQ(official("longbench.qa_f1.first_line", "\n\nParis\nLondon", {"Paris"}), 1);
  EXPECT_LT(official("longbench.qa_f1.first_line", "Paris\rLondon", {"Paris"}), 1);
  EXPECT_LT(official("longbench.qa_f1", "Paris\nLondon", {"Paris"}), 1);
}

TEST(LongBench, ReferencesWithoutAParagraphAreRefused) {
  EXPECT_THROW(official("longbench.retrieval", "3", {"Paragraph three"}), Error);
  EXPECT_EQ(official("longbench.retrieval", "Paragraph 3", {"Paragraph x, Paragraph 3"}), 1);
  EXPECT_EQ(official("longbench.retrieval_zh", "03 3", {"段落3"}), 0.5);
}

TEST(LongBench, ChinesePredictionsAreSegmentedAgainForEachReferenceOfOpenCompass) {
  const Texts references = {"x", "结婚的和尚未结婚的人"};
  const double first = opencompass("longbench.rouge_zh", "结婚的和尚未结婚的人", {references[1]});
  EXPECT_NEAR(first, 1, 1e-8);
  EXPECT_NEAR(official("longbench.rouge_zh", "结婚的和尚未结婚的人", references), 1, 1e-8);
}

TEST(LongBench, CodeIsTheFirstLineWithoutComments) {
  const ItemScore item =
      score("longbench.code_sim", Protocol::kOfficial, "\n# a\n`b`\n return x\ny", {" return x"});
  EXPECT_EQ(item.prediction, " return x");
  EXPECT_EQ(item.score, 1);
}

TEST(LongBench, InvalidUtf8IsScored) {
  EXPECT_EQ(official("longbench.qa_f1_zh", "\xff\xfe中国", {"中国"}), 0.5);  // two of three words are U+FFFD
}

TEST(LEval, ChoicesAreReadInThreeWays) {
  EXPECT_EQ(official("leval.choice", "The answer is C", {"C"}), 1);
  EXPECT_EQ(opencompass("leval.choice", "The answer is C", {"C"}), 0);  // "T"
  EXPECT_EQ(clean("leval.choice", "The answer is C", {"C"}), 1);
  EXPECT_EQ(official("leval.choice", "Because", {"B"}), 1);
  EXPECT_EQ(clean("leval.choice", "Because", {"B"}), 0);
  EXPECT_EQ(opencompass("leval.choice_quality", "C.", {"(C) He left."}), 1);
}

TEST(LEval, SeveralChoicesHaveAQuarterForAPart) {
  EXPECT_EQ(official("leval.choice_multi", "A. and C.", {"ACD"}), 0.25);
  EXPECT_EQ(official("leval.choice_multi", "CA", {"AC"}), 1);
  EXPECT_EQ(opencompass("leval.choice_multi", "CA", {"AC"}), 0);
  EXPECT_EQ(official("leval.choice_multi", "no idea", {"A"}), 1);  // the authors guess
  EXPECT_EQ(clean("leval.choice_multi", "no idea", {"A"}), 0);
}

TEST(LEval, NumbersWithDecimals) {
  EXPECT_EQ(opencompass("leval.math", "The answer is 18.50", {"1850"}), 1);
  EXPECT_EQ(clean("leval.math", "The answer is 18.50", {"1850"}), 0);
  EXPECT_EQ(clean("leval.math", "So the answer is $1,850.0.", {"1850"}), 1);
  EXPECT_EQ(official("leval.math", "The answer is 070", {"70"}), 1);
}

TEST(LEval, JudgementsAreTwoScores) {
  const ItemScore item = score("leval.judge", Protocol::kOfficial, "true [fact: hm]", {"True [fact: False]"});
  EXPECT_EQ(item.score, 0.5);
  EXPECT_EQ(item.prediction, "true [fact: <error>]");
  EXPECT_EQ(score("leval.judge", Protocol::kOfficial, "true", {"True [fact: False]"}).score, 0.5);
  EXPECT_THROW(official("leval.judge", "true", {"True"}), Error);
}

TEST(LEval, TopicsAreThreeGroupsByTheirOrder) {
  std::vector<ItemScore> items(4);
  items[0].score = 1;
  items[1].score = 1;
  EXPECT_NEAR(find_metric("leval.topic", Protocol::kOfficial).aggregate(items), 50,
              1e-12);  // (50 + 100 + 0) / 3
  EXPECT_EQ(find_metric("leval.topic", Protocol::kOpenCompass).aggregate(items), 50);
  items.resize(5);
  EXPECT_NEAR(find_metric("leval.topic", Protocol::kOfficial).aggregate(items), 100.0 / 3, 1e-12);
  EXPECT_EQ(find_metric("leval.topic", Protocol::kClean).aggregate(items), 40);
}

TEST(LEval, RougeOfATaskIsAMedianAGeometricMeanOrAMean) {
  const ItemScore item = score("leval.rouge", Protocol::kOfficial, "a b c", {"a b d"});
  const std::vector<ItemScore> items = {item};
  EXPECT_NEAR(find_metric("leval.rouge", Protocol::kOpenCompass).aggregate(items), 200.0 / 3, 1e-9);
  EXPECT_NEAR(find_metric("leval.rouge", Protocol::kOfficial).aggregate(items),
              100 * std::cbrt(2.0 / 3 * 0.5 * 2.0 / 3), 1e-9);
}

TEST(Needle, FoundIsAllAndElseLikenessIsAFifth) {
  EXPECT_EQ(official("needle.v1", "It is the Lantern.", {"\nHidden is the Lantern.\n*Lantern"}), 1);
  EXPECT_NEAR(official("needle.v1", "flaw", {"lawn*zz"}), 0.1, 1e-12);
  EXPECT_EQ(official("needle.v2", "flaw", {"lawn*zz"}), 0);
  EXPECT_NEAR(official("needle.v1", " ", {" *zz"}), 0.2, 1e-12);
  EXPECT_THROW(official("needle.v1", "x", {"no star"}), Error);
}

TEST(Needle, OfSeveralStarsCleanTakesTheLast) {
  EXPECT_EQ(official("needle.v2", "five", {"4*five*six"}), 1);
  EXPECT_EQ(clean("needle.v2", "five", {"4*five*six"}), 0);
  EXPECT_EQ(official("needle.v2", "x", {"y*"}), 1);
  EXPECT_EQ(clean("needle.v2", "x", {"y*"}), 0);
}

TEST(Needle, TrimCutsAfterTheReferencesLastCharacter) {
  const ItemScore item =
      score("needle.v1_trim", Protocol::kOfficial, "abcdefghij. and more", {"abcdefghij*zz"});
  EXPECT_EQ(item.prediction, "abcdefghij");
  EXPECT_NEAR(item.score, 0.2, 1e-12);
}

TEST(Choice, TheReportsVersionTakesTheFirstLetterOfTheWholeMatch) {
  EXPECT_EQ(score("choice.first_option", Protocol::kOpenCompass, "答案是Because C。", {"C"}).prediction, "B");
  EXPECT_EQ(score("choice.first_option", Protocol::kOpenCompass, "The answer is (D).", {"D"}).score, 1);
  EXPECT_EQ(score("choice.first_option", Protocol::kOfficial, "**ANSWER: b**\nso D", {"D"}).score, 1);
  EXPECT_EQ(score("choice.first_option", Protocol::kOfficial, "nothing", {"D"}).prediction, "");
}

TEST(Choice, TheMissingCommaIsMendedInClean) {
  EXPECT_EQ(official("choice.first_option", "A故D, B", {"D"}), 0);
  EXPECT_EQ(clean("choice.first_option", "A故D, B", {"D"}), 1);
}

TEST(Choice, TheFirstCapital) {
  EXPECT_EQ(opencompass("choice.first_capital", "b, B", {"B"}), 1);
  EXPECT_EQ(opencompass("choice.first_capital", "It is B", {"B"}), 0);
  EXPECT_EQ(clean("choice.first_capital", "It is B", {"B"}), 1);
  EXPECT_EQ(clean("choice.first_capital", "选B吧", {"B"}), 1);
}

}  // namespace
}  // namespace longscroll
