// The chat forms that we know, as ids. Message text is encoded with special tokens switched off, so a
// document that contains "<|im_end|>" stays text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace longscroll {

enum class ChatFormat { kIndex, kChatML, kGemma, kLlama3 };

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

// What a model's own files say: the Jinja text of its template, if any, and its architecture's name.
struct ChatMetadata {
  std::optional<std::string> jinja;
  std::string architecture;  // "index", "llama", …
};

const char* to_string(ChatFormat format);
std::optional<ChatFormat> chat_format_from_name(std::string_view name);

// nullopt: the model declares no chat form (a base model). Throws Error(kUnsupported), listing the
// known names, when it declares one that is none of them.
std::optional<ChatFormat> detect_chat_format(const ChatMetadata& metadata);

// Default system message that the template itself inserts when there is none; empty for none.
// (SmolLM2's and Qwen2.5's ChatML templates differ only in it, so it is read out of the Jinja text.)
std::string default_system_message(ChatFormat format, const ChatMetadata& metadata);

// Ids of the conversation, ending where the assistant's answer begins. `default_system` is used when
// there is no system message. Throws Error(kArgument) on a role that the form does not have and
// Error(kFile) when the tokenizer lacks the form's special tokens.
std::vector<TokenId> chat_prompt(const Tokenizer& tokenizer, ChatFormat format,
                                 std::span<const ChatMessage> messages, std::string_view default_system = {});

// A conversation to learn from: every answer of the assistant is there.
struct AnswerSpan {
  size_t begin = 0;  // of ids: the first of the answer's text
  size_t end = 0;    // behind the token that ends the answer
};
struct ChatTranscript {
  std::vector<TokenId> ids;
  std::vector<AnswerSpan> answers;  // one for each message of the assistant, in order
};

// Ids up to the end of the last answer. What stands before the first answer is chat_prompt() of the messages
// before it, and each answer is encoded by itself: what a model is asked and what it is to say are cut as
// when it is used. Throws as chat_prompt.
ChatTranscript chat_transcript(const Tokenizer& tokenizer, ChatFormat format,
                               std::span<const ChatMessage> messages, std::string_view default_system = {});

// Ids that end an answer in this form (besides the tokenizer's EOS).
std::vector<TokenId> chat_stop_ids(const Tokenizer& tokenizer, ChatFormat format);

}  // namespace longscroll
