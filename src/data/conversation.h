// The forms in which instructions are published, as one: messages of system, user and assistant.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "data/records.h"
#include "text/chat_template.h"

namespace longscroll::data {

enum class InstructionForm {
  kMessages,  // OpenAI: {"messages": [{"role", "content"}, …]}; "weight": 0 on an answer: it is not learnt
  kShareGpt,  // {"conversations": [{"from": "human" | "gpt" | "system", "value"}, …], "system"?}
  kAlpaca,    // {"instruction", "input"?, "output", "system"?, "history"?: [[question, answer], …]}
  kIndex,     // bilibili/Index-1.9B, finetune/: {"human", "assistant", "system"?}
};

const char* to_string(InstructionForm form);  // "messages", "sharegpt", "alpaca", "index"
std::optional<InstructionForm> instruction_form_from_name(std::string_view name);

struct Conversation {
  std::vector<ChatMessage> messages;  // questions and answers; the last is an answer
  std::vector<uint8_t> learnt;        // one for each answer, 1 or 0; at least one 1
  // The record is of Index's own form and has no system message: Index's own is meant.
  bool index_system = false;
};

// `form`: nullopt takes each record for what its fields say. Throws Error(kFile), naming file and line: of no
// known form, a field missing, a role that is none of the three, no answer or an empty one, no question
// before an answer.
Conversation conversation_of(const Record& record, std::optional<InstructionForm> form);

// "content" as text: a string, or OpenAI's list of {"type": "text", "text"}. Throws Error(kFile) as above.
std::string message_text(const nlohmann::json& content, const RecordPlace& place);

// Messages as OpenAI lists them, whatever the last one is. Throws Error(kFile) as above.
std::vector<ChatMessage> messages_of(const nlohmann::json& list, const RecordPlace& place);

}  // namespace longscroll::data
