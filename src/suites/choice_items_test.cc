// MMLU's, C-Eval's and CMMLU's rules on small data of our own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "suites/test_data.h"

namespace longscroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string shots(size_t count) {
  std::string rows;
  for (size_t i = 0; i < count; ++i)
    rows += "Shot " + std::to_string(i) + "?,w,x,y,z," + "ABCD"[i % 4] + "\n";
  return rows;
}

struct MmluData : test::TempFolder {
  MmluData(const std::string& dev, const std::string& test) {
    write("mmlu/dev/abstract_algebra_dev.csv", dev);
    write("mmlu/test/abstract_algebra_test.csv", test);
  }
  SuiteOptions options(std::string protocol = "opencompass") const {
    SuiteOptions made;
    made.data = path();
    made.tasks = {"abstract_algebra"};
    made.protocol = std::move(protocol);
    return made;
  }
};

constexpr const char* kHint =
    "There is a single choice question about abstract algebra. Answer the question by replying "
    "A, B, C or D.\nQuestion: ";

TEST(Mmlu, GeneratingHasFivePairsOfTurnsAndTheQuestion) {
  const MmluData data(shots(5), "\"One, two?\",1,2,3,4,C\n");
  const LoadedSuite suite = load_suite("mmlu", data.options());
  ASSERT_THAT(suite.items, SizeIs(1));
  const EvalItem& item = suite.items[0];
  ASSERT_THAT(item.turns, SizeIs(11));
  EXPECT_EQ(item.turns[0].content, std::string(kHint) + "Shot 0?\nA. w\nB. x\nC. y\nD. z\nAnswer: ");
  EXPECT_EQ(item.turns[1].role, "assistant");
  EXPECT_EQ(item.turns[1].content, "A\n");
  EXPECT_EQ(item.turns[10].content, std::string(kHint) + "One, two?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: ");
  EXPECT_THAT(item.references, ElementsAre("C"));
  EXPECT_EQ(item.metric, "choice.first_option");
  EXPECT_EQ(item.max_new_tokens, 256u);
}

TEST(Mmlu, LikelihoodIsOneBareTextWithFourChoices) {
  const MmluData data(shots(6), "Q?,1,2,3,4,D\n");
  const LoadedSuite suite = load_suite("mmlu", data.options("official"));
  const EvalItem& item = suite.items[0];
  ASSERT_THAT(item.turns, SizeIs(1));
  EXPECT_TRUE(item.bare);
  const std::string& text = item.turns[0].content;
  EXPECT_TRUE(text.starts_with(
      "The following are multiple choice questions (with answers) about  abstract algebra.\n\n"
      "Shot 0?\nA. w\nB. x\nC. y\nD. z\nAnswer: A\n\nShot 1?"))
      << text;
  EXPECT_TRUE(
      text.ends_with("Shot 4?\nA. w\nB. x\nC. y\nD. z\nAnswer: A\n\nQ?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:"))
      << text;
  EXPECT_THAT(item.choices, ElementsAre(" A", " B", " C", " D"));
  EXPECT_THAT(item.references, ElementsAre(" D"));
  EXPECT_EQ(item.max_new_tokens, 0u);
}

TEST(Mmlu, ExamplesAreFilledOnceMoreWithTheQuestionsRow) {
  const MmluData data("\"Set {A}?\",w,x,y,z,A\n" + shots(4), "Q {D}?,1,2,3,4,B\n");
  const LoadedSuite suite = load_suite("mmlu", data.options());
  EXPECT_THAT(suite.items[0].turns[0].content, HasSubstr("Question: Set w?\n"));
  EXPECT_THAT(suite.items[0].turns[10].content, HasSubstr("Question: Q 4?\n"));
}

TEST(Mmlu, BadRowsAreNamedByFileAndLine) {
  const std::string good = "Q?,1,2,3,4,A\n";
  EXPECT_THAT(error_of_loading("mmlu", MmluData(shots(5), good + "Q?,1,2,A\n").options()),
              HasSubstr("abstract_algebra_test.csv] line 2 must have 6 columns, found 4"));
  EXPECT_THAT(error_of_loading("mmlu", MmluData(shots(4), good).options()),
              HasSubstr("must have 5 examples, found 4"));
  EXPECT_THAT(error_of_loading("mmlu", MmluData(shots(5), good + "Q?,1,2,3,4,E\n").options("official")),
              HasSubstr("line 2 must have one of the choices as answer, found 'E'"));
  EXPECT_THAT(error_of_loading("mmlu", MmluData(shots(5), "Q?,1,2,3,4,\n").options()),
              HasSubstr("line 1 must have an answer"));
}

TEST(CEval, ReadsColumnsByTheirHeaderAndAsksInChinese) {
  const test::TempFolder data;
  std::string dev = "id,question,A,B,C,D,answer,explanation\n";
  for (int i = 0; i < 5; ++i) dev += "0,例题,甲,乙,丙,丁,B,因为\n";
  data.write("ceval/dev/logic_dev.csv", dev);
  data.write("ceval/val/logic_val.csv", "id,question,A,B,C,D,answer\n0,问题,一,二,三,四,D\n");
  SuiteOptions options;
  options.data = data.path();
  options.tasks = {"logic"};
  const EvalItem item = load_suite("ceval", options).items.at(0);
  ASSERT_THAT(item.turns, SizeIs(11));
  EXPECT_EQ(item.turns[10].content,
            "以下是中国关于逻辑学考试的单项选择题，请选出其中的正确答案。\n问题\nA. 一\nB. 二\nC. 三\nD. "
            "四\n答案: ");
  EXPECT_EQ(item.turns[9].content, "B");
  EXPECT_EQ(item.metric, "choice.first_capital");
  options.protocol = "official";
  EXPECT_THAT(load_suite("ceval", options).items.at(0).choices, ElementsAre("A", "B", "C", "D"));
  data.write("ceval/val/logic_val.csv", "id,question,A,B,C,answer\n0,问题,一,二,三,D\n");
  EXPECT_THAT(error_of_loading("ceval", options), HasSubstr("line 1 must name the column 'D'"));
}

TEST(Cmmlu, AnswersWithItsPhrase) {
  const test::TempFolder data;
  std::string dev = ",Question,A,B,C,D,Answer\n";
  for (int i = 0; i < 5; ++i) dev += "0,例题,甲,乙,丙,丁,C\n";
  data.write("cmmlu/dev/agronomy.csv", dev);
  data.write("cmmlu/test/agronomy.csv", ",Question,A,B,C,D,Answer\n0,问题,一,二,三,四,A\n");
  SuiteOptions options;
  options.data = data.path();
  options.tasks = {"agronomy"};
  const EvalItem item = load_suite("cmmlu", options).items.at(0);
  EXPECT_EQ(item.turns[1].content, "答案是: C");
  EXPECT_EQ(item.turns[10].content,
            "以下是关于农学的单项选择题，请直接给出正确答案的选项。\n题目：问题\nA. 一\nB. 二\nC. 三\nD. 四");
}

}  // namespace
}  // namespace longscroll
