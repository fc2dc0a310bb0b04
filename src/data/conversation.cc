#include "data/conversation.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "data/blank.h"
#include "formats/file_faults.h"

namespace longscroll::data {
namespace {

using nlohmann::json;

struct Form {
  InstructionForm form;
  const char* name;
  const char* field;  // what no other form has
};
constexpr std::array<Form, 4> kForms = {{{InstructionForm::kMessages, "messages", "messages"},
                                         {InstructionForm::kShareGpt, "sharegpt", "conversations"},
                                         {InstructionForm::kAlpaca, "alpaca", "instruction"},
                                         {InstructionForm::kIndex, "index", "human"}}};

InstructionForm form_of(const Record& record) {
  std::string fields;
  for (const Form& form : kForms) {
    if (record.fields.contains(form.field)) return form.form;
    fields += fmt::format("{}'{}'", fields.empty() ? "" : ", ", form.field);
  }
  record.place.fail(
      fmt::format("must be an instruction, with one of the fields {}; found none of them", fields));
}

// A field that may be missing or null.
std::string optional_text(const Record& record, const char* key) {
  const auto it = record.fields.find(key);
  return it == record.fields.end() || it->is_null() ? std::string() : record_text(record, key);
}

const json& required_list(const Record& record, const char* key) {
  const auto it = record.fields.find(key);
  if (it == record.fields.end() || !it->is_array()) {
    record.place.fail(fmt::format("must have a list in the field '{}', found {}", key,
                                  it == record.fields.end() ? "none" : it->type_name()));
  }
  return *it;
}

void add_system(const Record& record, Conversation& conversation) {
  const std::string system = optional_text(record, "system");
  if (!system.empty()) conversation.messages.push_back({"system", system});
}

bool is_learnt(const json& message, const RecordPlace& place) {
  const auto weight = message.find("weight");
  if (weight == message.end()) return true;
  if (*weight != 0 && *weight != 1)
    place.fail(fmt::format("a message's weight must be 0 or 1, found {}", weight->dump()));
  return *weight == 1;
}

Conversation from_messages(const Record& record) {
  Conversation conversation;
  const json& list = required_list(record, "messages");
  conversation.messages = messages_of(list, record.place);
  for (const json& message : list) {
    if (message.at("role") == "assistant")
      conversation.learnt.push_back(is_learnt(message, record.place) ? 1 : 0);
  }
  return conversation;
}

const char* sharegpt_role(std::string_view from, const RecordPlace& place) {
  if (from == "human" || from == "user") return "user";
  if (from == "gpt" || from == "assistant" || from == "chatgpt") return "assistant";
  if (from == "system") return "system";
  place.fail(fmt::format("\"from\" must be human, gpt or system, found {}", shown_name(from)));
}

Conversation from_sharegpt(const Record& record) {
  Conversation conversation;
  add_system(record, conversation);
  for (const json& turn : required_list(record, "conversations")) {
    const bool fits =
        turn.is_object() && turn.contains("from") && turn["from"].is_string() && turn.contains("value");
    if (!fits) record.place.fail("must have turns with \"from\" and \"value\", found another");
    conversation.messages.push_back({sharegpt_role(turn["from"].get_ref<const std::string&>(), record.place),
                                     message_text(turn["value"], record.place)});
  }
  return conversation;
}

Conversation from_alpaca(const Record& record) {
  Conversation conversation;
  add_system(record, conversation);
  const auto history = record.fields.find("history");
  if (history != record.fields.end() && !history->is_null()) {
    for (const json& turn : required_list(record, "history")) {
      if (!turn.is_array() || turn.size() != 2 || !turn[0].is_string() || !turn[1].is_string()) {
        record.place.fail("must have pairs of question and answer in 'history', found another");
      }
      conversation.messages.push_back({"user", turn[0].get<std::string>()});
      conversation.messages.push_back({"assistant", turn[1].get<std::string>()});
    }
  }
  std::string question = record_text(record, "instruction");
  const std::string input = optional_text(record, "input");
  if (!input.empty()) question += (question.empty() ? "" : "\n") + input;
  conversation.messages.push_back({"user", std::move(question)});
  conversation.messages.push_back({"assistant", record_text(record, "output")});
  return conversation;
}

Conversation from_index(const Record& record) {
  Conversation conversation;
  conversation.index_system = !record.fields.contains("system");
  add_system(record, conversation);
  conversation.messages.push_back({"user", record_text(record, "human")});
  conversation.messages.push_back({"assistant", record_text(record, "assistant")});
  return conversation;
}

void check_answers(const Conversation& conversation, const RecordPlace& place) {
  bool asked = false;
  for (const ChatMessage& message : conversation.messages) {
    if (message.role == "assistant" && !asked)
      place.fail("must have a question before the first answer, found none");
    if (message.role == "assistant" && is_blank(message.content)) {
      place.fail("must have an answer that says something, found an empty one");
    }
    asked |= message.role == "user";
  }
  if (conversation.messages.empty() || conversation.messages.back().role != "assistant") {
    place.fail(fmt::format("must end with an answer, found {}",
                           conversation.messages.empty()
                               ? "no message at all"
                               : "a last message of the " + conversation.messages.back().role));
  }
  if (std::find(conversation.learnt.begin(), conversation.learnt.end(), 1) == conversation.learnt.end()) {
    place.fail("must have an answer to learn, found weight 0 on all of them");
  }
}

}  // namespace

const char* to_string(InstructionForm form) {
  for (const Form& known : kForms) {
    if (known.form == form) return known.name;
  }
  return "unknown";
}

std::optional<InstructionForm> instruction_form_from_name(std::string_view name) {
  for (const Form& form : kForms) {
    if (name == form.name) return form.form;
  }
  return std::nullopt;
}

Conversation conversation_of(const Record& record, std::optional<InstructionForm> form) {
  Conversation conversation;
  switch (form ? *form : form_of(record)) {
    case InstructionForm::kMessages:
      conversation = from_messages(record);
      break;
    case InstructionForm::kShareGpt:
      conversation = from_sharegpt(record);
      break;
    case InstructionForm::kAlpaca:
      conversation = from_alpaca(record);
      break;
    case InstructionForm::kIndex:
      conversation = from_index(record);
      break;
  }
  if (conversation.learnt.empty()) {
    for (const ChatMessage& message : conversation.messages) {
      if (message.role == "assistant") conversation.learnt.push_back(1);
    }
  }
  check_answers(conversation, record.place);
  return conversation;
}

std::string message_text(const json& content, const RecordPlace& place) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  const bool is_list = content.is_array() && !content.empty();
  if (!is_list) place.fail(fmt::format("a message must be a text, found {}", content.type_name()));
  for (const json& part : content) {
    const bool is_text = part.is_object() && part.value("type", json()) == "text" && part.contains("text") &&
                         part["text"].is_string();
    if (!is_text) place.fail("a message's parts must be text, found another kind");
    text += part["text"].get_ref<const std::string&>();
  }
  return text;
}

std::vector<ChatMessage> messages_of(const json& list, const RecordPlace& place) {
  std::vector<ChatMessage> messages;
  for (const json& message : list) {
    const bool fits = message.is_object() && message.contains("role") && message["role"].is_string() &&
                      message.contains("content");
    if (!fits) place.fail("must have messages with \"role\" and \"content\", found another");
    const std::string& role = message["role"].get_ref<const std::string&>();
    if (role != "system" && role != "user" && role != "assistant") {
      place.fail(
          fmt::format("a message's role must be system, user or assistant, found {}", shown_name(role)));
    }
    messages.push_back({role, message_text(message["content"], place)});
  }
  return messages;
}

}  // namespace longscroll::data
