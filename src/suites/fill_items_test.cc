// LongBench's and L-Eval's rules on small data of our own; official_prompts_test.cc has the real files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "suites/test_data.h"

namespace longscroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kQuestions =
    R"({"input":"Who?","context":"A {answers} text.","answers":["Ann","Bob"],"length":3,"all_classes":null,"_id":"a1"})"
    "\n"
    R"({"input":"Where?","context":"A {answers} text.","answers":["Rome"],"length":3,"all_classes":null,"_id":"a2"})"
    "\n";

SuiteOptions options_for(const test::TempFolder& data, std::vector<std::string> tasks,
                         std::string protocol = "opencompass") {
  SuiteOptions options;
  options.data = data.path();
  options.tasks = std::move(tasks);
  options.protocol = std::move(protocol);
  return options;
}

TEST(LongBench, OpenCompassReplacesTheAnswersColumnInsideOfADocument) {
  const test::TempFolder data;
  data.write("longbench/hotpotqa.jsonl", kQuestions);
  const LoadedSuite suite = load_suite("longbench", options_for(data, {"hotpotqa"}));
  ASSERT_THAT(suite.items, SizeIs(2));
  const EvalItem& item = suite.items[0];
  ASSERT_THAT(item.turns, SizeIs(1));
  EXPECT_EQ(item.turns[0].role, "user");
  EXPECT_THAT(item.turns[0].content, HasSubstr("given passages.\nA  text.\n\nAnswer"));
  EXPECT_TRUE(item.turns[0].content.ends_with("\n\nQuestion: Who?\nAnswer:"));
  EXPECT_EQ(item.id, "a1");
  EXPECT_EQ(item.metric, "longbench.qa_f1");
  EXPECT_EQ(item.max_new_tokens, 32u);
  EXPECT_THAT(item.references, ElementsAre("Ann", "Bob"));
  EXPECT_EQ(item.fields["category"], "multi_doc_qa");
  EXPECT_EQ(item.fields["length"], 3);
}

TEST(LongBench, OfficialFillsOnceAndSendsFewShotTasksBare) {
  const test::TempFolder data;
  data.write("longbench/hotpotqa.jsonl", kQuestions);
  data.write("longbench/samsum.jsonl", kQuestions);
  const LoadedSuite suite = load_suite("longbench", options_for(data, {"samsum", "hotpotqa"}, "official"));
  ASSERT_THAT(suite.items, SizeIs(4));
  EXPECT_EQ(suite.items[0].task, "hotpotqa");  // the suite's order, not the caller's
  EXPECT_THAT(suite.items[0].turns[0].content, HasSubstr("A {answers} text."));
  EXPECT_FALSE(suite.items[0].bare);
  EXPECT_TRUE(suite.items[2].bare);
  EXPECT_THAT(suite.items[2].stop, ElementsAre("\n"));
  EXPECT_EQ(suite.items[2].metric, "longbench.rouge.first_line");
}

TEST(LongBench, ClassesComeWithClassificationTasks) {
  const test::TempFolder data;
  data.write(
      "trec.jsonl",
      R"({"input":"Q","context":"C {all_labels}{answers}","answers":["x"],"length":1,"all_classes":["x","y"],"_id":"t"})"
      "\n");
  const LoadedSuite suite = load_suite("longbench", options_for(data, {"trec"}));
  EXPECT_THAT(suite.items[0].classes, ElementsAre("x", "y"));
  // OpenCompass's record has one output column there, all_labels, and no answers.
  EXPECT_TRUE(suite.items[0].turns[0].content.ends_with("\n\nC {answers}\nQ"));
}

TEST(LongBench, ItemsOfOneDocumentShareAKeyAndAPrefix) {
  const test::TempFolder data;
  data.write("longbench/hotpotqa.jsonl", kQuestions);
  const LoadedSuite suite = load_suite("longbench", options_for(data, {"hotpotqa"}, "official"));
  EXPECT_FALSE(suite.items[0].document.empty());
  EXPECT_EQ(suite.items[0].document, suite.items[1].document);
}

TEST(LongBench, SaysWhenAFileIsNotTheWholeOfficialOne) {
  const test::TempFolder data;
  data.write("longbench/hotpotqa.jsonl", kQuestions);
  EXPECT_THAT(load_suite("longbench", options_for(data, {"hotpotqa"})).remarks,
              ElementsAre(HasSubstr("longbench/hotpotqa.jsonl gives 2 items, the official file 200")));
}

std::string numbered_questions(size_t count) {
  std::string lines;
  for (size_t i = 0; i < count; ++i) {
    lines += R"({"input":"Q","context":"C","answers":["x"],"length":1,"_id":")" + std::to_string(i) + "\"}\n";
  }
  return lines;
}

std::vector<std::string> ids_of(const LoadedSuite& suite) {
  std::vector<std::string> ids;
  for (const EvalItem& item : suite.items) ids.push_back(item.id);
  return ids;
}

TEST(Limit, TakesTheFirstItemsOrWithASeedASampleInTheSameOrder) {
  const test::TempFolder data;
  data.write("longbench/hotpotqa.jsonl", numbered_questions(10));
  SuiteOptions options = options_for(data, {"hotpotqa"});
  options.limit = 3;
  const LoadedSuite first = load_suite("longbench", options);
  EXPECT_THAT(ids_of(first), ElementsAre("0", "1", "2"));
  EXPECT_EQ(first.data[0].items, 3u);
  options.seed = 3;
  const std::vector<std::string> sample = ids_of(load_suite("longbench", options));
  EXPECT_THAT(sample, SizeIs(3));
  EXPECT_NE(sample, ids_of(first));
  EXPECT_TRUE(std::is_sorted(sample.begin(), sample.end()));
  EXPECT_EQ(ids_of(load_suite("longbench", options)), sample);
}

constexpr const char* kDocuments =
    R"({"instructions":["First {context}?","Second"],"outputs":["one two\u3000three","4"],"input":"Doc.","source":"s","evaluation":"f1"})"
    "\n"
    R"({"instructions":["Third"],"outputs":["x"],"input":"Doc 2.","source":"s","evaluation":"LLM"})"
    "\n";

TEST(LEval, OpenCompassJoinsSystemAndUserAndCountsTheReferencesWords) {
  const test::TempFolder data;
  data.write("leval/Open-ended-tasks/natural_question.jsonl", kDocuments);
  const LoadedSuite suite = load_suite("leval", options_for(data, {"natural_question"}));
  ASSERT_THAT(suite.items, SizeIs(3));  // whatever `evaluation` says
  ASSERT_THAT(suite.items[0].turns, SizeIs(1));
  const std::string& prompt = suite.items[0].turns[0].content;
  EXPECT_TRUE(prompt.starts_with("Now you are given a very long document."));
  EXPECT_TRUE(
      prompt.ends_with("required paragraph.\nDocument is as follows. Doc.\nInstruction: First Doc.??\n"
                       "Answer this question with 3 words."))
      << prompt;
  EXPECT_EQ(suite.items[0].id, "1.1");
  EXPECT_EQ(suite.items[2].id, "2.1");
  EXPECT_THAT(suite.items[1].references, ElementsAre("4"));
  EXPECT_EQ(suite.items[0].max_new_tokens, 50u);
}

TEST(LEval, OfficialHasASystemTurnAndLeavesOutWhatItsScriptDoesNotScore) {
  const test::TempFolder data;
  data.write("leval/Open-ended-tasks/natural_question.jsonl", kDocuments);
  const LoadedSuite suite = load_suite("leval", options_for(data, {"natural_question"}, "official"));
  ASSERT_THAT(suite.items, SizeIs(2));
  ASSERT_THAT(suite.items[0].turns, SizeIs(2));
  EXPECT_EQ(suite.items[0].turns[0].role, "system");
  EXPECT_EQ(
      suite.items[0].turns[1].content,
      "Document is as follows. Doc. Instruction: First {context}? The suggested output length is around 3 "
      "words. Output: ");
  EXPECT_EQ(suite.items[0].metric, "leval.f1");
  EXPECT_EQ(suite.items[0].max_new_tokens, 512u);
}

TEST(LEval, SciFiAsksTwiceAndJoinsTheAnswersForOneScore) {
  const test::TempFolder data;
  data.write(
      "leval/Closed-ended-tasks/sci_fi.jsonl",
      R"({"instructions":["Ships fly, True or False? Answer this question based on the world described in the document."],)"
      R"("outputs":["True [fact: False]"],"input":"Tale.","evaluation":"exam","source":"SFGram"})"
      "\n");
  const LoadedSuite suite = load_suite("leval", options_for(data, {"sci_fi"}, "official"));
  ASSERT_THAT(suite.items, SizeIs(2));
  const EvalItem& world = suite.items[0];
  const EvalItem& fact = suite.items[1];
  EXPECT_TRUE(world.metric.empty());
  EXPECT_THAT(world.references, IsEmpty());
  EXPECT_THAT(fact.turns, SizeIs(3));
  EXPECT_EQ(fact.turns[1].content, world.turns[1].content);
  EXPECT_EQ(
      fact.turns[2].content,
      "Ships fly, True or False? Answer this question based on the real-world knowledge and facts up until "
      "your "
      "last training\nPlease directly give answer without any additional output or explanation \nAnswer:");
  EXPECT_EQ(fact.join_after, world.id);
  EXPECT_EQ("True" + fact.join_open + "False" + fact.join_close, "True [fact: False]");
  EXPECT_THAT(fact.references, ElementsAre("True [fact: False]"));
  EXPECT_EQ(fact.metric, "leval.judge");
  EXPECT_EQ(fact.document, world.document);
}

TEST(LEval, OpenCompassHasNoSciFiAndNoCodeU) {
  const test::TempFolder data;
  EXPECT_THAT(error_of_loading("leval", options_for(data, {"sci_fi"})), HasSubstr("must be tasks of leval"));
}

struct BadFile {
  const char* fault;
  std::string content;
  const char* message;
};

TEST(FillData, EveryFaultIsNamedByFileAndLine) {
  const std::string good = R"({"input":"Q","context":"C","answers":["x"],"_id":"1"})"
                           "\n";
  const BadFile cases[] = {
      {"broken line", good + "{\"input\":\n", "record of line 2 must be JSON"},
      {"not an object", good + "[1]\n", "line 2 must be a JSON object, found array"},
      {"empty line", good + "\n" + good, "line 2 must be a JSON object, found an empty line"},
      {"key twice",
       R"({"input":"Q","input":"R","context":"C","answers":["x"]})"
       "\n",
       "record of line 1 must name"},
      {"missing field",
       good + R"({"input":"Q","answers":["x"],"_id":"2"})"
              "\n",
       "line 2 must have the field 'context'"},
      {"null field",
       R"({"input":"Q","context":null,"answers":["x"]})"
       "\n",
       "line 1 must have the field 'context'"},
      {"number for text",
       R"({"input":3,"context":"C","answers":["x"]})"
       "\n",
       "line 1 must have a text in the field 'input'"},
      {"text for list",
       R"({"input":"Q","context":"C","answers":"x"})"
       "\n",
       "line 1 must have a list in the field 'answers'"},
      {"number in list",
       R"({"input":"Q","context":"C","answers":[1]})"
       "\n",
       "line 1 must have texts in the list 'answers'"},
      {"double id", good + good, "line 2 must have an id of its own, found 1, which line 1 has"},
      {"GBK", good + "{\"input\":\"\xC4\xE3\xBA\xC3\"}\n", "line 2 must be UTF-8, found the byte 0x"},
      {"empty file", "", "found an empty file"},
      {"deep nesting", std::string(64, '[') + "\n", "must nest at most 16 levels deep"},
  };
  for (const BadFile& bad : cases) {
    const test::TempFolder data;
    const std::string path = data.write("longbench/hotpotqa.jsonl", bad.content);
    const std::string error = error_of_loading("longbench", options_for(data, {"hotpotqa"}));
    EXPECT_THAT(error, HasSubstr(bad.message)) << bad.fault;
    EXPECT_THAT(error, HasSubstr(path)) << bad.fault;
  }
}

TEST(FillData, ListsOfAnItemEachMustBeOfOneLength) {
  const test::TempFolder data;
  data.write("leval/Open-ended-tasks/news_summ.jsonl",
             R"({"instructions":["a","b"],"outputs":["x"],"input":"D","evaluation":"rouge"})"
             "\n");
  EXPECT_THAT(error_of_loading("leval", options_for(data, {"news_summ"})),
              HasSubstr("line 1 must have as many 'question' as 'answer', found 2 and 1"));
}

TEST(FillData, AMissingFileSaysWhereTheOfficialOneIs) {
  const test::TempFolder data;
  const std::string error = error_of_loading("longbench", options_for(data, {"qasper"}));
  EXPECT_THAT(error, HasSubstr("must have the file qasper.jsonl"));
  EXPECT_THAT(error, HasSubstr("THUDM/LongBench"));
}

}  // namespace
}  // namespace longscroll
