#include "text/chat_template.h"

#include <fmt/format.h>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/white_space.h"

namespace longscroll {
namespace {

constexpr std::string_view kWhere = "chat template";

// Index's reserved ids: before the system message, before a question, before an answer, after it.
constexpr TokenId kIndexSystem = 0;
constexpr TokenId kIndexUser = 3;
constexpr TokenId kIndexAssistant = 4;
constexpr TokenId kIndexEnd = 2;

struct Form {
  ChatFormat format;
  const char* name;
  std::string_view marker;  // what a template of this form, and no other, has in it
};
constexpr std::array<Form, 4> kForms = {{{ChatFormat::kIndex, "index", "reserved_0"},
                                         {ChatFormat::kChatML, "chatml", "<|im_start|>"},
                                         {ChatFormat::kGemma, "gemma", "<start_of_turn>"},
                                         {ChatFormat::kLlama3, "llama3", "<|start_header_id|>"}}};

[[noreturn]] void bad_messages(ChatFormat format, const std::string& what) {
  throw Error(ErrorKind::kArgument, fmt::format("{} {}", to_string(format), kWhere), what);
}

void check_roles(ChatFormat format, std::span<const ChatMessage> messages) {
  for (const ChatMessage& message : messages) {
    if (message.role != "system" && message.role != "user" && message.role != "assistant") {
      bad_messages(format, fmt::format("roles must be system, user or assistant, found '{}'", message.role));
    }
  }
}

// Forms that know one system message, in front.
void check_system_first(ChatFormat format, std::span<const ChatMessage> messages) {
  for (size_t i = 1; i < messages.size(); ++i) {
    if (messages[i].role == "system") {
      bad_messages(format, fmt::format("the system message must be the first, found one at place {}", i + 1));
    }
  }
}

// Whether an answer's text is encoded by itself, as it comes when a model makes it after its prompt.
enum class Answers { kJoined, kApart };

// Collects ids. Text between two special tokens must be encoded in one go, or its merges would differ
// from the reference's, which sees the whole conversation as one string.
class Prompt {
 public:
  Prompt(const Tokenizer& tokenizer, ChatFormat format, Answers answers)
      : tokenizer_(tokenizer), format_(format), answers_(answers) {}

  void special(std::string_view token) {
    const std::optional<TokenId> id = tokenizer_.find_token(token);
    if (!id) {
      throw Error(ErrorKind::kFile, fmt::format("{} {}", to_string(format_), kWhere),
                  fmt::format("the tokenizer must have the token '{}', found none", token));
    }
    end_text();
    ids_.push_back(*id);
  }
  void id(TokenId id) {
    end_text();
    ids_.push_back(id);
  }
  void text(std::string_view piece) { pending_ += piece; }
  void encoded(const std::vector<TokenId>& ids) {
    end_text();
    ids_.insert(ids_.end(), ids.begin(), ids.end());
  }

  // Around an answer, from its first token to the one that ends it.
  void begin_answer() {
    if (answers_ == Answers::kJoined) return;
    end_text();
    spans_.push_back({ids_.size(), ids_.size()});
  }
  void end_answer() {
    if (answers_ == Answers::kApart) spans_.back().end = ids_.size();
  }

  std::vector<TokenId> take() {
    end_text();
    return std::move(ids_);
  }
  // What stands behind the last answer is left out: nothing is learnt from it.
  ChatTranscript take_transcript() {
    if (!spans_.empty()) ids_.resize(spans_.back().end);
    return {std::move(ids_), std::move(spans_)};
  }

 private:
  void end_text() {
    if (pending_.empty()) return;
    const std::vector<TokenId> made =
        tokenizer_.encode(pending_, {.add_special = false, .parse_special = false});
    ids_.insert(ids_.end(), made.begin(), made.end());
    pending_.clear();
  }

  const Tokenizer& tokenizer_;
  ChatFormat format_;
  Answers answers_;
  std::vector<TokenId> ids_;
  std::vector<AnswerSpan> spans_;
  std::string pending_;
};

// The text and the token that ends it, as an answer where the assistant speaks.
void add_turn(Prompt& prompt, const ChatMessage& message, std::string_view text, std::string_view end) {
  const bool is_answer = message.role == "assistant";
  if (is_answer) prompt.begin_answer();
  prompt.text(text);
  prompt.special(end);
  if (is_answer) prompt.end_answer();
}

void add_index(Prompt& prompt, const Tokenizer& tokenizer, std::span<const ChatMessage> messages) {
  check_system_first(ChatFormat::kIndex, messages);
  if (tokenizer.vocab_size() <= static_cast<size_t>(kIndexAssistant)) {
    throw Error(
        ErrorKind::kFile, fmt::format("index {}", kWhere),
        fmt::format("the tokenizer must have the ids 0 to 4, found {} tokens", tokenizer.vocab_size()));
  }
  for (const ChatMessage& message : messages) {
    if (message.role == "system") prompt.id(kIndexSystem);
    if (message.role == "user") prompt.id(kIndexUser);
    const bool is_answer = message.role == "assistant";
    if (is_answer) {
      prompt.id(kIndexAssistant);
      prompt.begin_answer();
    }
    // With the model's own default, as the report's demo encodes.
    prompt.encoded(tokenizer.encode(message.content));
    if (is_answer) {
      prompt.id(kIndexEnd);
      prompt.end_answer();
    }
  }
}

void add_chatml(Prompt& prompt, std::span<const ChatMessage> messages) {
  for (const ChatMessage& message : messages) {
    prompt.special("<|im_start|>");
    prompt.text(message.role + "\n");
    add_turn(prompt, message, message.content, "<|im_end|>");
    prompt.text("\n");
  }
}

void add_gemma(Prompt& prompt, std::span<const ChatMessage> messages) {
  check_system_first(ChatFormat::kGemma, messages);
  prompt.special("<bos>");
  std::string system;
  if (!messages.empty() && messages[0].role == "system") {
    system = messages[0].content + "\n\n";
    messages = messages.subspan(1);
  }
  for (size_t i = 0; i < messages.size(); ++i) {
    const bool is_user = messages[i].role == "user";
    if (is_user != (i % 2 == 0)) {
      bad_messages(ChatFormat::kGemma,
                   fmt::format("user and assistant must take turns, user first, found '{}' at turn {}",
                               messages[i].role, i + 1));
    }
    prompt.special("<start_of_turn>");
    prompt.text(is_user ? "user\n" : "model\n");
    if (i == 0) prompt.text(system);
    add_turn(prompt, messages[i], strip_python_space(messages[i].content), "<end_of_turn>");
    prompt.text("\n");
  }
}

void add_llama3_header(Prompt& prompt, std::string_view role) {
  prompt.special("<|start_header_id|>");
  prompt.text(role);
  prompt.special("<|end_header_id|>");
  prompt.text("\n\n");
}

void add_llama3(Prompt& prompt, std::span<const ChatMessage> messages) {
  prompt.special("<|begin_of_text|>");
  for (const ChatMessage& message : messages) {
    add_llama3_header(prompt, message.role);
    add_turn(prompt, message, strip_python_space(message.content), "<|eot_id|>");
  }
}

Prompt conversation(const Tokenizer& tokenizer, ChatFormat format, std::span<const ChatMessage> messages,
                    std::string_view default_system, Answers answers) {
  check_roles(format, messages);
  std::vector<ChatMessage> with_system;
  if (!default_system.empty() && (messages.empty() || messages[0].role != "system")) {
    with_system.push_back({"system", std::string(default_system)});
    with_system.insert(with_system.end(), messages.begin(), messages.end());
    messages = with_system;
  }
  Prompt prompt(tokenizer, format, answers);
  switch (format) {
    case ChatFormat::kIndex:
      add_index(prompt, tokenizer, messages);
      break;
    case ChatFormat::kChatML:
      add_chatml(prompt, messages);
      break;
    case ChatFormat::kGemma:
      add_gemma(prompt, messages);
      break;
    case ChatFormat::kLlama3:
      add_llama3(prompt, messages);
      break;
  }
  return prompt;
}

// What stands before an answer that is still to come.
void ask_for_answer(Prompt& prompt, ChatFormat format) {
  switch (format) {
    case ChatFormat::kIndex:
      prompt.id(kIndexAssistant);
      break;
    case ChatFormat::kChatML:
      prompt.special("<|im_start|>");
      prompt.text("assistant\n");
      break;
    case ChatFormat::kGemma:
      prompt.special("<start_of_turn>");
      prompt.text("model\n");
      break;
    case ChatFormat::kLlama3:
      add_llama3_header(prompt, "assistant");
      break;
  }
}

// A string literal's escapes, as far as templates use them.
std::string unescape(std::string_view literal) {
  std::string out;
  for (size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] == '\\' && i + 1 < literal.size()) {
      const char next = literal[++i];
      out += next == 'n' ? '\n' : next == 't' ? '\t' : next;
    } else {
      out += literal[i];
    }
  }
  return out;
}

}  // namespace

const char* to_string(ChatFormat format) {
  for (const Form& form : kForms) {
    if (form.format == format) return form.name;
  }
  return "unknown";
}

std::optional<ChatFormat> chat_format_from_name(std::string_view name) {
  for (const Form& form : kForms) {
    if (form.name == name) return form.format;
  }
  return std::nullopt;
}

std::optional<ChatFormat> detect_chat_format(const ChatMetadata& metadata) {
  if (metadata.architecture == "index") return ChatFormat::kIndex;
  if (!metadata.jinja) return std::nullopt;
  std::string known;
  for (const Form& form : kForms) {
    if (metadata.jinja->find(form.marker) != std::string::npos) return form.format;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", form.name);
  }
  throw Error(
      ErrorKind::kUnsupported, std::string(kWhere),
      fmt::format("the model's chat template must be one of {}, found none of their tokens in it", known),
      "name the form that the model was trained with, or use the model without a chat form");
}

std::string default_system_message(ChatFormat format, const ChatMetadata& metadata) {
  if (format != ChatFormat::kChatML || !metadata.jinja) return {};
  constexpr std::string_view kBegin = "<|im_start|>system";
  std::string_view rest = *metadata.jinja;
  for (size_t at = rest.find(kBegin); at != std::string_view::npos; at = rest.find(kBegin)) {
    rest.remove_prefix(at + kBegin.size());
    std::string_view text = rest.substr(0, rest.find("<|im_end|>"));
    if (text.size() == rest.size()) break;
    if (text.starts_with("\\n")) {
      text.remove_prefix(2);
    } else if (text.starts_with("\n")) {
      text.remove_prefix(1);
    } else {
      continue;
    }
    // Only a literal names the default; code between the tokens inserts the caller's message.
    const bool is_code = text.empty() || text[0] == '\'' || text[0] == '"' ||
                         text.find("}}") != std::string_view::npos ||
                         text.find("{{") != std::string_view::npos;
    if (!is_code) return unescape(text);
  }
  return {};
}

std::vector<TokenId> chat_prompt(const Tokenizer& tokenizer, ChatFormat format,
                                 std::span<const ChatMessage> messages, std::string_view default_system) {
  Prompt prompt = conversation(tokenizer, format, messages, default_system, Answers::kJoined);
  ask_for_answer(prompt, format);
  return prompt.take();
}

ChatTranscript chat_transcript(const Tokenizer& tokenizer, ChatFormat format,
                               std::span<const ChatMessage> messages, std::string_view default_system) {
  return conversation(tokenizer, format, messages, default_system, Answers::kApart).take_transcript();
}

std::vector<TokenId> chat_stop_ids(const Tokenizer& tokenizer, ChatFormat format) {
  std::vector<TokenId> ids;
  const auto add = [&](std::string_view token) {
    if (const std::optional<TokenId> id = tokenizer.find_token(token)) ids.push_back(*id);
  };
  switch (format) {
    case ChatFormat::kIndex:
      ids.push_back(kIndexEnd);
      break;
    case ChatFormat::kChatML:
      add("<|im_end|>");
      break;
    case ChatFormat::kGemma:
      add("<end_of_turn>");
      break;
    case ChatFormat::kLlama3:
      add("<|eot_id|>");
      break;
  }
  return ids;
}

}  // namespace longscroll
