// Prompts against the official templates and against an independent reading of the rules in Python
// (tools/make_prompt_goldens.py), over the real files where they are there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hasher.h"
#include "suites/data_files.h"
#include "suites/fill_template.h"
#include "suites/test_data.h"

namespace longscroll {
namespace {

using testing::SizeIs;

struct TaskPrompts {
  std::string suite;
  std::string protocol;
  std::string task;
};

TaskPrompts split_key(const std::string& key) {
  const size_t first = key.find('/');
  const size_t second = key.find('/', first + 1);
  return {key.substr(0, first), key.substr(first + 1, second - first - 1), key.substr(second + 1)};
}

// As the Python script joins them.
std::string digest_of(const std::vector<EvalItem>& items) {
  std::string all;
  for (const EvalItem& item : items) {
    all += item.id + '\0' + (item.bare ? "bare" : "chat");
    for (const Turn& turn : item.turns) all += '\0' + turn.role + '\0' + turn.content;
    for (const std::string& reference : item.references) all += '\0' + reference;
    all += '\1';
  }
  return sha256_hex(all);
}

class OfficialPrompts : public testing::Test {
 protected:
  void SetUp() override {
    shared_ = shared_material();
    if (!shared_) GTEST_SKIP() << "../shared is not there";
  }
  nlohmann::json config(const std::string& file) const {
    return nlohmann::json::parse(read_whole(*shared_ / "golden" / file));
  }
  std::optional<std::filesystem::path> shared_;
};

TEST_F(OfficialPrompts, RealItemsEqualAnIndependentReading) {
  const auto goldens = nlohmann::json::parse(read_whole(LONGSCROLL_GOLDEN_DIR "/suites/prompts.json"));
  size_t prompts = 0;
  for (const auto& [key, golden] : goldens.items()) {
    const TaskPrompts wanted = split_key(key);
    SuiteOptions options;
    options.data = *shared_ / "data";
    options.protocol = wanted.protocol;
    options.tasks = {wanted.task};
    const LoadedSuite suite = load_suite(wanted.suite, options);
    EXPECT_EQ(suite.items.size(), golden["items"].get<size_t>()) << key;
    EXPECT_EQ(digest_of(suite.items), golden["sha256"].get<std::string>()) << key;
    prompts += suite.items.size();
  }
  EXPECT_THAT(goldens, SizeIs(25));
  EXPECT_EQ(prompts, 3077u);
}

std::string filled(const std::string& text) {
  return fill_template(text,
                       {{"input", "INPUT"},
                        {"context", "CONTEXT"},
                        {"question", "QUESTION"},
                        {"document", "CONTEXT"},
                        {"instruction", "QUESTION"},
                        {"length", "2"},
                        {"N", "2"}},
                       FillRule::kOnePass);
}

EvalItem only_item(const test::TempFolder& data, const std::string& suite, const std::string& task,
                   const std::string& protocol) {
  SuiteOptions options;
  options.data = data.path();
  options.protocol = protocol;
  options.tasks = {task};
  const LoadedSuite loaded = load_suite(suite, options);
  EXPECT_EQ(loaded.items.size(), 1u) << task;
  return loaded.items.at(0);
}

TEST_F(OfficialPrompts, AllLongBenchTemplatesAndLengthsAreTheOfficialOnes) {
  const auto prompts = config("longbench_config/dataset2prompt.json");
  const auto lengths = config("longbench_config/dataset2maxlen.json");
  const auto opencompass = config("longbench_config/opencompass_prompts.json")["tasks"];
  ASSERT_THAT(opencompass, SizeIs(21));
  const test::TempFolder data;
  for (const auto& task : opencompass) {
    const auto name = task["name"].get<std::string>();
    data.write(
        "longbench/" + name + ".jsonl",
        R"({"input":"INPUT","context":"CONTEXT","answers":["A"],"length":1,"all_classes":["A"],"_id":"1"})"
        "\n");
    const EvalItem ours = only_item(data, "longbench", name, "opencompass");
    ASSERT_THAT(ours.turns, SizeIs(1));
    EXPECT_EQ(ours.turns[0].role, "user");
    EXPECT_EQ(ours.turns[0].content, filled(task["user"])) << name;
    EXPECT_EQ(ours.max_new_tokens, task["max_out_len"].get<size_t>()) << name;
    EXPECT_EQ(ours.metric.ends_with(".first_line"), !task["pred_postprocessor"].is_null()) << name;
    const EvalItem official = only_item(data, "longbench", name, "official");
    ASSERT_THAT(official.turns, SizeIs(1));
    EXPECT_EQ(official.turns[0].content, filled(prompts[name])) << name;
    EXPECT_EQ(official.max_new_tokens, lengths[name].get<size_t>()) << name;
  }
}

void write_leval_item(const test::TempFolder& data, const std::string& task) {
  for (const char* folder : {"Closed-ended-tasks/", "Open-ended-tasks/"}) {
    data.write(
        std::string("leval/") + folder + task + ".jsonl",
        R"({"input":"CONTEXT","instructions":["QUESTION"],"outputs":["two words"],"evaluation":"exam"})"
        "\n");
  }
}

TEST_F(OfficialPrompts, AllLEvalTemplatesAndLengthsAreOpenCompasss) {
  const auto tasks = config("leval_config/opencompass_prompts.json")["tasks"];
  ASSERT_THAT(tasks, SizeIs(18));
  const test::TempFolder data;
  for (const auto& task : tasks) {
    const auto name = task["name"].get<std::string>();
    write_leval_item(data, name);
    const EvalItem item = only_item(data, "leval", name, "opencompass");
    ASSERT_THAT(item.turns, SizeIs(1));
    EXPECT_EQ(item.turns[0].content,
              task["system"].get<std::string>() + "\n" + filled(task["user"].get<std::string>()))
        << name;
    EXPECT_EQ(item.max_new_tokens, task["max_out_len"].get<size_t>()) << name;
  }
}

TEST_F(OfficialPrompts, AllLEvalTemplatesAreTheAuthors) {
  const auto official = config("leval_config/official_prompts.json");
  const std::map<std::string, std::string> system_keys = {{"coursera", "coursera"},
                                                          {"gsm100", "gsm"},
                                                          {"quality", "exam"},
                                                          {"tpo", "exam"},
                                                          {"topic_retrieval_longchat", "topic"},
                                                          {"codeU", "codeU"}};
  const test::TempFolder data;
  for (const SuiteTask& task : describe_suite("leval", "official").tasks) {
    if (task.name == "sci_fi") continue;  // asked twice: in the real items above
    write_leval_item(data, task.name);
    const EvalItem item = only_item(data, "leval", task.name, "official");
    ASSERT_THAT(item.turns, SizeIs(2)) << task.name;
    const bool closed = task.category == "closed";
    const std::string system = closed ? system_keys.at(task.name) : "open_ended";
    const std::string user = !closed ? "open-ended (ngram_eval)"
                             : task.name == "gsm100" || task.name == "codeU"
                                 ? "gsm100, codeU"
                                 : "other closed-ended (exam_eval)";
    EXPECT_EQ(item.turns[0].role, "system");
    EXPECT_EQ(item.turns[0].content, official["system"][system].get<std::string>()) << task.name;
    EXPECT_EQ(item.turns[1].content, filled(official["user"][user])) << task.name;
    EXPECT_EQ(item.max_new_tokens, official["max_new_tokens"].get<size_t>());
  }
}

}  // namespace
}  // namespace longscroll
