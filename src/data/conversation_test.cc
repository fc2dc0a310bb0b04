#include "data/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Record record(const std::string& json) {
  return {nlohmann::json::parse(json), {"chat.jsonl", 7}};
}

std::vector<std::string> turns(const std::string& json, std::optional<InstructionForm> form = std::nullopt) {
  std::vector<std::string> found;
  for (const ChatMessage& message : conversation_of(record(json), form).messages) {
    found.push_back(message.role + ": " + message.content);
  }
  return found;
}

std::string error(const std::string& json, std::optional<InstructionForm> form = std::nullopt) {
  return error_of([&] { conversation_of(record(json), form); });
}

TEST(Conversation, OpenAiMessages) {
  const std::string json =
      R"({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"},
      {"role": "assistant", "content": "a", "weight": 0}, {"role": "user", "content": [{"type": "text", "text": "r"},
      {"type": "text", "text": "s"}]}, {"role": "assistant", "content": "b", "weight": 1}]})";
  EXPECT_THAT(turns(json), ElementsAre("system: s", "user: q", "assistant: a", "user: rs", "assistant: b"));
  EXPECT_THAT(conversation_of(record(json), {}).learnt, ElementsAre(0, 1));
}

TEST(Conversation, ShareGpt) {
  EXPECT_THAT(turns(R"({"id": 3, "system": "s", "conversations": [{"from": "human", "value": "q"},
      {"from": "gpt", "value": "a"}, {"from": "user", "value": "r"}, {"from": "assistant", "value": "b"}]})"),
              ElementsAre("system: s", "user: q", "assistant: a", "user: r", "assistant: b"));
}

TEST(Conversation, Alpaca) {
  EXPECT_THAT(turns(R"({"instruction": "i", "input": "", "output": "o"})"),
              ElementsAre("user: i", "assistant: o"));
  EXPECT_THAT(turns(R"({"instruction": "i", "input": "x", "output": "o", "system": "s",
      "history": [["q", "a"], ["r", "b"]]})"),
              ElementsAre("system: s", "user: q", "assistant: a", "user: r", "assistant: b", "user: i\nx",
                          "assistant: o"));
  EXPECT_THAT(
      conversation_of(record(R"({"instruction": "i", "output": "o", "history": [["q", "a"]]})"), {}).learnt,
      ElementsAre(1, 1));
  EXPECT_THAT(turns(R"({"instruction": "i", "input": null, "output": "o", "history": null})"),
              ElementsAre("user: i", "assistant: o"));
}

TEST(Conversation, IndexsOwn) {
  EXPECT_THAT(turns(R"({"system": "s", "human": "q", "assistant": "a"})"),
              ElementsAre("system: s", "user: q", "assistant: a"));
  EXPECT_THAT(turns(R"({"human": "q", "assistant": "a"})"), ElementsAre("user: q", "assistant: a"));
  EXPECT_TRUE(conversation_of(record(R"({"human": "q", "assistant": "a"})"), {}).index_system);
  EXPECT_FALSE(conversation_of(record(R"({"system": "", "human": "q", "assistant": "a"})"), {}).index_system);
}

TEST(Conversation, AnInstructionWithoutAnAnswerIsNamedWithFileAndLine) {
  for (const char* json :
       {R"({"messages": [{"role": "user", "content": "q"}]})",
        R"({"conversations": [{"from": "human", "value": "q"}]})",
        R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
                               {"role": "user", "content": "r"}]})"}) {
    EXPECT_THAT(
        error(json),
        HasSubstr("file: [chat.jsonl] line 7 must end with an answer, found a last message of the user"));
  }
  EXPECT_THAT(error(R"({"messages": []})"),
              HasSubstr("line 7 must end with an answer, found no message at all"));
  EXPECT_THAT(error(R"({"instruction": "i"})"), HasSubstr("line 7 must have the field 'output', found none"));
  EXPECT_THAT(error(R"({"human": "q"})"), HasSubstr("line 7 must have the field 'assistant', found none"));
  EXPECT_THAT(error(R"({"human": "q", "assistant": " \n"})"),
              HasSubstr("line 7 must have an answer that says something"));
  EXPECT_THAT(error(R"({"instruction": "i", "output": "o", "history": [["q", ""]]})"),
              HasSubstr("line 7 must have an answer that says something"));
  EXPECT_THAT(error(R"({"messages": [{"role": "user", "content": "q"},
                        {"role": "assistant", "content": "a", "weight": 0}]})"),
              HasSubstr("line 7 must have an answer to learn"));
}

TEST(Conversation, OtherFaultsAreNamedToo) {
  EXPECT_THAT(error(R"({"prompt": "q"})"),
              AllOf(HasSubstr("line 7 must be an instruction"), HasSubstr("'messages'")));
  EXPECT_THAT(error(R"({"messages": "q"})"),
              HasSubstr("must have a list in the field 'messages', found string"));
  EXPECT_THAT(error(R"({"messages": [{"role": "tool", "content": "q"}]})"),
              HasSubstr("role must be system, user or assistant, found 'tool'"));
  EXPECT_THAT(error(R"({"messages": [{"role": "user"}]})"), HasSubstr("\"role\" and \"content\""));
  EXPECT_THAT(error(R"({"messages": [{"role": "user", "content": null}]})"),
              HasSubstr("must be a text, found null"));
  EXPECT_THAT(error(R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})"),
              HasSubstr("parts must be text"));
  EXPECT_THAT(error(R"({"messages": [{"role": "user", "content": "q"},
                        {"role": "assistant", "content": "a", "weight": 0.5}]})"),
              HasSubstr("weight must be 0 or 1, found 0.5"));
  EXPECT_THAT(error(R"({"messages": [{"role": "assistant", "content": "a"}]})"),
              HasSubstr("must have a question before the first answer"));
  EXPECT_THAT(error(R"({"conversations": [{"from": "function_call", "value": "x"}]})"),
              HasSubstr("found 'function_call'"));
  EXPECT_THAT(error(R"({"conversations": [{"from": "human"}]})"), HasSubstr("\"from\" and \"value\""));
  EXPECT_THAT(error(R"({"instruction": "i", "output": "o", "history": [["q"]]})"),
              HasSubstr("pairs of question and answer"));
  EXPECT_THAT(error(R"({"human": "q", "assistant": "a"})", InstructionForm::kAlpaca),
              HasSubstr("must have the field 'instruction', found none"));
}

TEST(Conversation, FormsHaveNames) {
  for (const char* name : {"messages", "sharegpt", "alpaca", "index"}) {
    const auto form = instruction_form_from_name(name);
    ASSERT_TRUE(form.has_value());
    EXPECT_STREQ(to_string(*form), name);
  }
  EXPECT_EQ(instruction_form_from_name("auto"), std::nullopt);
}

}  // namespace
}  // namespace longscroll::data
