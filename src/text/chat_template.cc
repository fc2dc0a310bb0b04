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

// Collects ids. Text between two special tokens must be encoded in one go, or its merges would differ
// from the reference's, which sees the whole conversation as one string.
class Prompt {
 public:
  Prompt(const Tokenizer& tokenizer, ChatFormat format) : tokenizer_(tokenizer), format_(format) {}

  void special(std::string_view token) {
    const std::optional<TokenId> id = tokenizer_.find_token(token);
    if (!id) {
      throw Error(ErrorKind::kFile, fmt::format("{} {}", to_string(format_), kWhere),
                  fmt::format("the tokenizer must have the token '{}', found none", token));
    }
    end_text();
    ids_.push_back(*id);
  }
  void text(std::string_view piece) { pending_ += piece; }
  std::vector<TokenId> take() {
    end_text();
    return std::move(ids_);
  }

 private:
  void end_text() {
    const std::vector<TokenId> encoded =
        tokenizer_.encode(pending_, {.add_special = false, .parse_special = false});
    ids_.insert(ids_.end(), encoded.begin(), encoded.end());
    pending_.clear();
  }

  const Tokenizer& tokenizer_;
  ChatFormat format_;
  std::vector<TokenId> ids_;
  std::string pending_;
};

std::vector<TokenId> index_prompt(const Tokenizer& tokenizer, std::span<const ChatMessage> messages) {
  check_system_first(ChatFormat::kIndex, messages);
  if (tokenizer.vocab_size() <= static_cast<size_t>(kIndexAssistant)) {
    throw Error(
        ErrorKind::kFile, fmt::format("index {}", kWhere),
        fmt::format("the tokenizer must have the ids 0 to 4, found {} tokens", tokenizer.vocab_size()));
  }
  std::vector<TokenId> ids;
  const auto add = [&](const ChatMessage& message) {
    // With the model's own default, as the report's demo encodes.
    const std::vector<TokenId> encoded = tokenizer.encode(message.content);
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  };
  for (const ChatMessage& message : messages) {
    if (message.role == "system") ids.push_back(kIndexSystem);
    if (message.role == "user") ids.push_back(kIndexUser);
    if (message.role == "assistant") ids.push_back(kIndexAssistant);
    add(message);
    if (message.role == "assistant") ids.push_back(kIndexEnd);
  }
  ids.push_back(kIndexAssistant);
  return ids;
}

std::vector<TokenId> chatml_prompt(const Tokenizer& tokenizer, std::span<const ChatMessage> messages) {
  Prompt prompt(tokenizer, ChatFormat::kChatML);
  for (const ChatMessage& message : messages) {
    prompt.special("<|im_start|>");
    prompt.text(message.role + "\n" + message.content);
    prompt.special("<|im_end|>");
    prompt.text("\n");
  }
  prompt.special("<|im_start|>");
  prompt.text("assistant\n");
  return prompt.take();
}

std::vector<TokenId> gemma_prompt(const Tokenizer& tokenizer, std::span<const ChatMessage> messages) {
  check_system_first(ChatFormat::kGemma, messages);
  Prompt prompt(tokenizer, ChatFormat::kGemma);
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
    prompt.text(strip_python_space(messages[i].content));
    prompt.special("<end_of_turn>");
    prompt.text("\n");
  }
  prompt.special("<start_of_turn>");
  prompt.text("model\n");
  return prompt.take();
}

std::vector<TokenId> llama3_prompt(const Tokenizer& tokenizer, std::span<const ChatMessage> messages) {
  Prompt prompt(tokenizer, ChatFormat::kLlama3);
  const auto header = [&](std::string_view role) {
    prompt.special("<|start_header_id|>");
    prompt.text(role);
    prompt.special("<|end_header_id|>");
    prompt.text("\n\n");
  };
  prompt.special("<|begin_of_text|>");
  for (const ChatMessage& message : messages) {
    header(message.role);
    prompt.text(strip_python_space(message.content));
    prompt.special("<|eot_id|>");
  }
  header("assistant");
  return prompt.take();
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
  check_roles(format, messages);
  std::vector<ChatMessage> with_system;
  if (!default_system.empty() && (messages.empty() || messages[0].role != "system")) {
    with_system.push_back({"system", std::string(default_system)});
    with_system.insert(with_system.end(), messages.begin(), messages.end());
    messages = with_system;
  }
  switch (format) {
    case ChatFormat::kIndex:
      return index_prompt(tokenizer, messages);
    case ChatFormat::kChatML:
      return chatml_prompt(tokenizer, messages);
    case ChatFormat::kGemma:
      return gemma_prompt(tokenizer, messages);
    case ChatFormat::kLlama3:
      return llama3_prompt(tokenizer, messages);
  }
  return {};
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
