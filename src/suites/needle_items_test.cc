// NeedleBench's builder: the golden prompts where they are there, and each rule on small data of our own.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hasher.h"
#include "base/utf8.h"
#include "suites/code_point_tokenizer.h"
#include "suites/data_files.h"
#include "suites/needle_context.h"
#include "suites/test_data.h"

namespace longscroll {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const QuestionRule kGuide = {"Please answer in the format", "Think first. ", "", 0};
const QuestionRule kBase = {"Please answer in the format", "Think first. ", "Please answer in the format '",
                            10};

TEST(NeedleContext, InsertionIndexIsTheOriginalsDoubleArithmetic) {
  EXPECT_EQ(insertion_index(100, 29), 28u);
  EXPECT_EQ(insertion_index(100, 58), 57u);
  EXPECT_EQ(insertion_index(100, 57), 56u);
  EXPECT_EQ(insertion_index(100, 100), 100u);
  EXPECT_EQ(insertion_index(7, 0), 0u);
}

TEST(NeedleContext, BudgetIsNeverBelowZero) {
  EXPECT_EQ(haystack_budget(9000, 3000, 20), 5980u);
  EXPECT_EQ(haystack_budget(100, 200, 20), 0u);
}

TEST(NeedleContext, TheHintGoesBeforeThePhraseAndBaseModelsGetAnUnfinishedSentence) {
  std::string question = "What is it? Please answer in the format 'It is ______.'";
  ASSERT_TRUE(apply_question_rule(kGuide, question));
  EXPECT_EQ(question, "What is it? Think first. Please answer in the format 'It is ______.'");
  question = "What is it? Please answer in the format 'It is ______.'";
  ASSERT_TRUE(apply_question_rule(kBase, question));
  EXPECT_EQ(question, "What is it? Think first. It i");
  question = "What is it?";
  EXPECT_FALSE(apply_question_rule(kGuide, question));
}

TEST(NeedleContext, AHaystackIsReadUntilTheBudgetAndNotRepeated) {
  const auto tokenizer = make_code_point_tokenizer();
  Haystack haystack({"abc", "", "de"}, *tokenizer);
  EXPECT_EQ(tokenizer->decode(haystack.ids({2, 1, 0}, 3), false), "dea");
  EXPECT_EQ(tokenizer->decode(haystack.ids({0, 1, 2}, 99), false), "abcde");
  EXPECT_THAT(haystack.ids({0, 1, 2}, 0), IsEmpty());
}

struct NeedleData : test::TempFolder {
  NeedleData() {
    write("needlebench/PaulGrahamEssays.jsonl", R"({"text":"aaaaaaaaaa"})"
                                                "\n"
                                                R"({"text":"bbbbbbbbbb"})"
                                                "\n");
    write(
        "needlebench/needles.jsonl",
        R"({"needle":"N.","retrieval_question":"Q? Please answer in the format 'It is ______.'","arg1":"x","arg2":"key","language":"English"})"
        "\n");
  }
  SuiteOptions options() const {
    SuiteOptions made;
    made.data = path();
    made.length_tokenizer = tokenizer.get();
    made.languages = {"en"};
    made.lengths = {3014, 3020};  // 3000 of buffer and 4 of needle
    made.depths = {0, 50, 100};
    made.repeats = 1;
    return made;
  }
  std::shared_ptr<const Tokenizer> tokenizer = make_code_point_tokenizer();
};

const EvalItem& item_of(const LoadedSuite& suite, const std::string& id) {
  for (const EvalItem& item : suite.items) {
    if (item.id == id) return item;
  }
  throw std::runtime_error("no item " + id);
}

TEST(Needle, ThePromptIsTemplateHaystackNeedleAndGuidedQuestion) {
  const NeedleData data;
  const LoadedSuite suite = load_suite("needle", data.options());
  ASSERT_THAT(suite.items, SizeIs(6));
  const EvalItem& item = item_of(suite, "en-L3014-D50-r0");
  // random.seed(0) shuffles two documents into the order 0, 1.
  EXPECT_EQ(item.turns[0].content,
            "You are an intelligent AI assistant skilled in answering user questions.\nPlease keep your "
            "answers concise "
            "and clear. Do not talk about irrelevant topics or repeat your answers.\nThe document given to "
            "you by the "
            "user is aaaaa\nN.\naaaaa\n\nNow, the question is: Q? Before answering, please consider what in "
            "the document "
            "is most relevant to this question. Please answer in the format 'It is ______.'");
  EXPECT_THAT(item.references, ElementsAre("\nN.\n*key"));
  EXPECT_EQ(item.metric, "needle.v1");
  EXPECT_EQ(item.fields["length"], 3014);
  EXPECT_EQ(item.fields["depth"], 50);
  EXPECT_EQ(item.fields["language"], "en");
  EXPECT_EQ(item.fields["repeat"], 0);
  EXPECT_EQ(item.document, "en-r0");
}

TEST(Needle, ItemsAreAskedByWhereTheNeedleIsSoThatEachSharesTheTextBeforeIt) {
  NeedleData data;
  SuiteOptions options = data.options();
  options.repeats = 2;
  const LoadedSuite suite = load_suite("needle", options);
  ASSERT_THAT(suite.items, SizeIs(12));
  for (size_t i = 1; i < suite.items.size(); ++i) {
    const EvalItem& before = suite.items[i - 1];
    const EvalItem& item = suite.items[i];
    if (before.document != item.document) continue;
    EXPECT_LE(before.fields["insertion_token"], item.fields["insertion_token"]);
    const size_t shared =
        item.turns[0].content.find("user is ") + 8 + before.fields["insertion_token"].get<size_t>();
    EXPECT_EQ(item.turns[0].content.substr(0, shared), before.turns[0].content.substr(0, shared));
  }
  EXPECT_EQ(suite.items[5].document, "en-r0");  // a repeat's items stand together
  EXPECT_EQ(suite.items[6].document, "en-r1");
}

TEST(Needle, AHaystackThatIsTooShortIsSaid) {
  NeedleData data;
  SuiteOptions options = data.options();
  options.lengths = {4000};
  EXPECT_THAT(load_suite("needle", options).remarks,
              Contains(HasSubstr("the English haystack has 20 tokens: prompts of 4000 are shorter")));
}

TEST(Needle, LimitAndLanguagesAndTasksAreChecked) {
  NeedleData data;
  SuiteOptions options = data.options();
  options.limit = 4;
  EXPECT_THAT(load_suite("needle", options).items, SizeIs(4));
  options.tasks = {"single_v2"};
  EXPECT_EQ(load_suite("needle", options).items[0].metric, "needle.v2");
  options.depths = {101};
  EXPECT_THAT(error_of_loading("needle", options), HasSubstr("must be 0 to 100 percent, found 101"));
  options = data.options();
  options.languages = {"fr"};
  EXPECT_THAT(error_of_loading("needle", options), HasSubstr("must be languages of the suite, found 'fr'"));
  options = data.options();
  options.length_tokenizer = nullptr;
  EXPECT_THAT(error_of_loading("needle", options),
              HasSubstr("must have a tokenizer that counts the lengths"));
  options = data.options();
  options.repeats = size_t{1} << 40;
  EXPECT_THAT(error_of_loading("needle", options), HasSubstr("must have 1 to 100000 prompts"));
}

TEST(Needle, BadFilesAreNamedByLine) {
  NeedleData data;
  data.write("needlebench/PaulGrahamEssays.jsonl", "{\"text\":\"a\"}\n{\"context\":\"b\"}\n");
  EXPECT_THAT(error_of_loading("needle", data.options()),
              HasSubstr("PaulGrahamEssays.jsonl] line 2 must have the field 'text'"));
  data.write("needlebench/needles.jsonl",
             R"({"needle":"N.","retrieval_question":"Q?","arg1":"x","arg2":"key","language":"English"})"
             "\n");
  EXPECT_THAT(error_of_loading("needle", data.options()),
              HasSubstr("needles.jsonl] line 1 must have 'Please answer in the format' in its question"));
}

TEST(Needle, AFolderOfTextsAndOurOwnNeedlesStandInAndAreSaid) {
  const test::TempFolder data;
  data.write("b.txt", "Second essay. ");
  data.write("a.md", "First essay. ");
  const auto tokenizer = make_code_point_tokenizer();
  SuiteOptions options;
  options.data = data.path();
  options.length_tokenizer = tokenizer.get();
  options.lengths = {3100};
  options.depths = {100};
  options.repeats = 1;
  const LoadedSuite suite = load_suite("needle", options);
  ASSERT_THAT(suite.items, SizeIs(1));
  EXPECT_THAT(suite.remarks, Contains(HasSubstr("the needles are Longscroll's own")));
  EXPECT_THAT(suite.remarks, Contains(HasSubstr("the English haystack is 2 text files instead")));
  EXPECT_THAT(suite.remarks, Contains(HasSubstr("no haystack in Chinese")));
  EXPECT_THAT(suite.items[0].turns[0].content, HasSubstr("First essay. Second essay. \n"));
  EXPECT_THAT(suite.data, SizeIs(3));
}

TEST(Needle, OurOwnNeedlesFitEveryVariantOfTheSuite) {
  const test::TempFolder data;
  data.write("a.txt", "Text. ");
  data.write("longbench/multifieldqa_zh.jsonl", "{\"context\":\"文字。\"}\n");
  const auto tokenizer = make_code_point_tokenizer();
  SuiteOptions options;
  options.data = data.path();
  options.length_tokenizer = tokenizer.get();
  options.lengths = {3100};
  options.depths = {50};
  options.repeats = 30;
  options.tasks = {"single", "single_base", "single_v2"};
  const LoadedSuite suite = load_suite("needle", options);
  EXPECT_THAT(suite.items, SizeIs(180));
  std::set<std::string> keywords;
  for (const EvalItem& item : suite.items) {
    const std::string& gold = item.references[0];
    ASSERT_EQ(std::count(gold.begin(), gold.end(), '*'), 1) << gold;
    const std::string keyword = gold.substr(gold.find('*') + 1);
    EXPECT_THAT(gold.substr(0, gold.find('*')), HasSubstr(keyword));
    const std::string& prompt = item.turns[0].content;
    EXPECT_EQ(prompt.find(keyword), prompt.rfind(keyword))
        << "the question must not give the answer: " << keyword;
    keywords.insert(keyword);
  }
  EXPECT_GE(keywords.size(), 12u);
}

// ../shared/golden/README.md: prompts of the official builder, a code point a token.
class GoldenNeedles : public testing::Test {
 protected:
  void SetUp() override {
    shared_ = shared_material();
    if (!shared_) GTEST_SKIP() << "../shared is not there";
    const auto manifest =
        nlohmann::json::parse(read_whole(*shared_ / "golden/needlebench_data/haystack_manifest.json"));
    for (const auto& [file, places] : manifest.items()) {
      std::string lines;
      for (const auto& place : places) lines += nlohmann::json{{"text", text_at(place)}}.dump() + "\n";
      data_.write("needlebench/" + file, lines);
    }
    data_.write("needlebench/needles.jsonl", read_whole(*shared_ / "golden/needlebench_data/needles.jsonl"));
  }

  // "paul_graham_essays/x.txt", or "longbench/multifieldqa_zh.jsonl line 3 field context".
  std::string text_at(const std::string& place) {
    const size_t line = place.find(" line ");
    const std::filesystem::path path = *shared_ / "data" / place.substr(0, line);
    if (line == std::string::npos) return read_whole(path);
    auto& records = records_[path];
    if (records.empty()) records = read_lines(path);
    return records.at(std::stoul(place.substr(line + 6)))["context"];
  }

  std::optional<std::filesystem::path> shared_;
  test::TempFolder data_;
  std::map<std::filesystem::path, std::vector<nlohmann::json>> records_;
};

std::string task_of(const nlohmann::json& golden) {
  if (golden["version"] == "v2") return "single_v2";
  return golden["guide"].get<bool>() ? "single" : "single_base";
}

TEST_F(GoldenNeedles, EveryPromptIsByteEqual) {
  const auto tokenizer = make_code_point_tokenizer();
  size_t compared = 0;
  for (const auto& golden : read_lines(*shared_ / "golden/needlebench_prompt_cases.jsonl")) {
    SuiteOptions options;
    options.data = data_.path();
    options.length_tokenizer = tokenizer.get();
    options.tasks = {task_of(golden)};
    options.lengths = {golden["length"].get<size_t>()};
    options.depths = {golden["depth"].get<size_t>()};
    options.languages = {golden["language"].get<std::string>()};
    options.buffer = golden["length_buffer"].get<size_t>();
    options.repeats = golden["counter"].get<size_t>() + 1;
    const LoadedSuite suite = load_suite("needle", options);
    const EvalItem& item = suite.items.back();
    EXPECT_EQ(item.fields["repeat"], golden["counter"]);
    EXPECT_EQ(item.fields["haystack_tokens"], golden["haystack_tokens"]) << golden["id"];
    EXPECT_EQ(item.fields["insertion_token"], golden["insertion_token"]) << golden["id"];
    EXPECT_TRUE(item.turns[0].content == golden["prompt"].get<std::string>()) << golden["id"];
    EXPECT_EQ(sha256_hex(item.turns[0].content), golden["prompt_sha256"].get<std::string>()) << golden["id"];
    EXPECT_EQ(item.references[0], golden["gold"].get<std::string>()) << golden["id"];
    ++compared;
  }
  EXPECT_EQ(compared, 48u);
}

}  // namespace
}  // namespace longscroll
