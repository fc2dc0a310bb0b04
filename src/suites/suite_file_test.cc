// Suite files: the ones that come with the program, the rules of merging, and files from outside that are
// faulty.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "suites/test_data.h"

namespace longscroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(Suites, EveryOneThatComesWithTheProgramIsSoundUnderEveryProtocol) {
  EXPECT_THAT(suite_names(),
              ElementsAre("needle", "longbench", "leval", "mmlu", "ceval", "cmmlu", "perplexity"));
  for (const std::string& name : suite_names()) {
    for (const char* protocol : {"opencompass", "official", "clean"}) {
      const SuiteInfo suite = describe_suite(name, protocol);
      EXPECT_EQ(suite.name, name);
      EXPECT_FALSE(suite.source.empty());
      EXPECT_THAT(suite.sha256, SizeIs(64));
      for (const SuiteTask& task : suite.tasks) EXPECT_FALSE(task.metric.empty()) << name << " " << task.name;
      // Every task's settings are read before its data, so a fault in them would be what is reported here.
      const test::TempFolder none;
      SuiteOptions options;
      options.protocol = protocol;
      options.data = none.path();
      for (const SuiteTask& task : suite.tasks) {
        options.tasks = {task.name};
        const std::string error = error_of_loading(name, options);
        EXPECT_TRUE(error.find("must have the file") != std::string::npos ||
                    error.find("must have texts") != std::string::npos ||
                    error.find("must have a tokenizer") != std::string::npos)
            << error;
      }
    }
  }
}

TEST(Suites, HaveTheOfficialNumbersOfTasks) {
  EXPECT_THAT(describe_suite("longbench", "opencompass").tasks, SizeIs(21));
  EXPECT_THAT(describe_suite("leval", "opencompass").tasks, SizeIs(18));
  EXPECT_THAT(describe_suite("leval", "official").tasks, SizeIs(20));
  EXPECT_THAT(describe_suite("mmlu", "opencompass").tasks, SizeIs(57));
  EXPECT_THAT(describe_suite("ceval", "opencompass").tasks, SizeIs(52));
  EXPECT_THAT(describe_suite("cmmlu", "opencompass").tasks, SizeIs(67));
  size_t items = 0;
  for (const SuiteTask& task : describe_suite("longbench", "opencompass").tasks) items += task.items;
  EXPECT_EQ(items, 4750u);
}

// Closed-ended tasks at 40 but for one at 50, the others at 30.
TEST(Groups, LEvalsOverallIsTheMeanOfTwoGroupMeans) {
  const SuiteInfo suite = describe_suite("leval", "opencompass");
  std::map<std::string, double> scores;
  for (const SuiteTask& task : suite.tasks) scores[task.name] = task.category == "closed" ? 40 : 30;
  scores["coursera"] = 50;
  EXPECT_DOUBLE_EQ(group_means(suite, scores).at("em"), 42);
  EXPECT_DOUBLE_EQ(group_means(suite, scores).at("rouge"), 30);
  EXPECT_DOUBLE_EQ(group_means(suite, scores).at("overall"), 36);
  scores.erase("coursera");
  EXPECT_THAT(group_means(suite, scores), SizeIs(1));  // no mean that pretends to be whole
}

TEST(Groups, LongBenchsOverallIsTheMeanOfSixCategories) {
  const SuiteInfo suite = describe_suite("longbench", "opencompass");
  std::map<std::string, double> scores;
  for (const SuiteTask& task : suite.tasks) scores[task.name] = task.category == "code" ? 60 : 0;
  EXPECT_DOUBLE_EQ(group_means(suite, scores).at("overall"), 10);
}

constexpr const char* kSuite = R"({
  "format": 1, "name": "own", "version": "3", "builder": "fill", "folders": [""],
  "defaults": {"metric": "m", "max_new_tokens": 5, "columns": [{"name": "q"}, {"name": "a", "kind": "list"}],
               "references": "a", "turns": [{"role": "user", "text": "{q}"}]},
  "protocols": {"official": {"max_new_tokens": 6}, "clean": {"like": "official", "stop": ["x"]}},
  "tasks": [{"name": "one", "file": "one.jsonl", "protocols": {"official": {"bare": true}}}],
  "groups": [{"name": "all", "of": ["one"]}]
})";

TEST(SuiteFile, ATasksSettingsAreDefaultsThenProtocolThenItsOwn) {
  const test::TempFolder data;
  const std::string path = data.write("own.json", kSuite);
  data.write("one.jsonl", "{\"q\":\"Q\",\"a\":[\"A\"]}\n");
  SuiteOptions options;
  options.data = data.path();
  const LoadedSuite plain = load_suite(path, options);
  EXPECT_EQ(plain.version, "3");
  EXPECT_EQ(plain.items[0].max_new_tokens, 5u);
  EXPECT_EQ(plain.items[0].id, "1");  // no "id": the line's number
  options.protocol = "clean";
  const LoadedSuite clean = load_suite(path, options);
  EXPECT_EQ(clean.items[0].max_new_tokens, 6u);
  EXPECT_TRUE(clean.items[0].bare);
  EXPECT_THAT(clean.items[0].stop, ElementsAre("x"));
}

TEST(SuiteFile, TheExampleInItsPageLoads) {
  const std::string page = read_whole(LONGSCROLL_SOURCE_DIR "/docs/formats/suites.md");
  const size_t begin = page.find("```json\n") + 8;
  const test::TempFolder data;
  const std::string path = data.write("v2.json", page.substr(begin, page.find("```", begin) - begin));
  data.write(
      "longbench-v2.jsonl",
      R"({"_id":"x","context":"C","question":"Q","choice_A":"1","choice_B":"2","choice_C":"3","choice_D":"4",)"
      R"("answer":"B","difficulty":"hard"})"
      "\n");
  SuiteOptions options;
  options.data = data.path();
  const EvalItem item = load_suite(path, options).items.at(0);
  EXPECT_THAT(item.turns[0].content,
              HasSubstr("<text>\nC\n</text>\n\nWhat is the correct answer to this question: Q\n"));
  EXPECT_THAT(item.references, ElementsAre("B"));
  EXPECT_EQ(item.fields["difficulty"], "hard");
}

struct BadSuite {
  const char* fault;
  const char* find;
  const char* put;
  const char* message;
};

TEST(SuiteFile, EveryFaultIsNamedWithItsPlace) {
  const BadSuite cases[] = {
      {"not JSON", "\"format\"", "format", "must be JSON"},
      {"format", "\"format\": 1", "\"format\": 2", "'format' must be 1"},
      {"no name", "\"name\": \"own\"", "\"title\": \"own\"", "must have 'name', found none"},
      {"no builder", "\"fill\"", "\"magic\"",
       "'builder' must be fill, choice, needle or text, found 'magic'"},
      {"unknown key", "\"version\"", "\"verson\": 1, \"version\"", "has the key 'verson'"},
      {"unknown task key", "\"file\"", "\"fil\": 1, \"file\"", "the task one: has the key 'fil'"},
      {"no tasks", "\"tasks\": [", "\"tasks\": [], \"x\": [", "must have 'tasks', found none"},
      {"task no object", "{\"name\": \"one\"", "1, {\"name\": \"one\"",
       "tasks[0]: must be an object, found number"},
      {"number as text", "\"max_new_tokens\": 6", "\"max_new_tokens\": \"6\"",
       "'max_new_tokens' must be a whole number"},
      {"huge number", "\"max_new_tokens\": 6", "\"max_new_tokens\": 99999999999",
       "must be a whole number from 0 to"},
      {"negative", "\"max_new_tokens\": 6", "\"max_new_tokens\": -6", "must be a whole number from 0 to"},
      {"role", "\"role\": \"user\"", "\"role\": \"God\"",
       "'role' must be system, user or assistant, found 'God'"},
      {"unknown column", "\"{q}\"", "\"{r}\"", "a turn must use text columns, found '{r}'"},
      {"list column in a turn", "\"{q}\"", "\"{a}\"", "a turn must use text columns, found '{a}'"},
      {"kind", "\"kind\": \"list\"", "\"kind\": \"tree\"",
       "'kind' must be text, list, each, words or replaced"},
      {"protocol's name", "\"clean\": {\"like\"", "\"cleen\": {\"like\"", "must not have 'cleen'"},
      {"protocols in a circle", "\"official\": {\"max_new_tokens\": 6}",
       "\"official\": {\"like\": \"official\"}", "must not stand on each other"},
      {"protocol no object", "\"official\": {\"bare\": true}", "\"official\": true",
       "'protocols.official' must be an object"},
      {"defaults no object", "\"defaults\": {", "\"defaults\": 3, \"x\": {",
       "must be an object, found number"},
      {"group's name", "\"name\": \"all\"", "\"name\": \"one\"", "the name 'one' must be new"},
  };
  for (const BadSuite& bad : cases) {
    const test::TempFolder data;
    std::string text = kSuite;
    const size_t at = text.find(bad.find);
    ASSERT_NE(at, std::string::npos) << bad.fault;
    text.replace(at, std::string_view(bad.find).size(), bad.put);
    const std::string path = data.write("bad.json", text);
    data.write("one.jsonl", "{\"q\":\"Q\",\"a\":[\"A\"]}\n");
    SuiteOptions options;
    options.data = data.path();
    options.protocol = "official";
    const std::string error = error_of_loading(path, options);
    EXPECT_THAT(error, HasSubstr(bad.message)) << bad.fault;
    EXPECT_THAT(error, HasSubstr(path)) << bad.fault;
  }
}

TEST(SuiteFile, CannotReachOutOfTheDataFolder) {
  const test::TempFolder data;
  data.write("one.jsonl", "{\"q\":\"Q\",\"a\":[\"A\"]}\n");
  std::filesystem::create_directory(data.path() / "inside");
  for (const std::string& file : {std::string("../one.jsonl"), (data.path() / "one.jsonl").string()}) {
    std::string text = kSuite;
    text.replace(text.find("one.jsonl"), 9, file);
    SuiteOptions options;
    options.data = data.path() / "inside";
    EXPECT_THAT(error_of_loading(data.write("out.json", text).string(), options),
                HasSubstr("must lie below --data"))
        << file;
  }
}

TEST(SuiteFile, EveryCutOfAGoodFileIsAnErrorAtMost) {
  const std::string whole = kSuite;
  for (size_t size = 1; size + 1 < whole.size(); size += 7) {
    const test::TempFolder data;
    SuiteOptions options;
    options.data = data.path();
    EXPECT_NE(error_of_loading(data.write("cut.json", whole.substr(0, size)).string(), options), "no error")
        << size;
  }
}

TEST(Suites, UnknownNamesListWhatThereIs) {
  EXPECT_THAT(error_of_loading("longbunch", {}), HasSubstr("must be a suite (needle, longbench, leval"));
  SuiteOptions options;
  options.protocol = "other";
  EXPECT_THAT(error_of_loading("longbench", options),
              HasSubstr("must be opencompass, official or clean, found 'other'"));
  options.protocol = "opencompass";
  options.tasks = {"nope"};
  const std::string error = error_of_loading("longbench", options);
  EXPECT_THAT(error, HasSubstr("must be tasks of longbench, found 'nope'"));
  EXPECT_THAT(error, HasSubstr("narrativeqa, qasper"));
}

}  // namespace
}  // namespace longscroll
