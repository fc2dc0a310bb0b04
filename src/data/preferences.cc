#include "data/preferences.h"

#include <cassert>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/blank.h"
#include "data/conversation.h"
#include "data/corpus_reader.h"
#include "data/encode_batches.h"

namespace longscroll::data {
namespace {

using nlohmann::json;

struct Preference {
  std::vector<ChatMessage> prompt;  // ends with a question
  std::string chosen;
  std::string rejected;
  RecordPlace place;
};

const json& required(const Record& record, const char* key) {
  const auto it = record.fields.find(key);
  if (it != record.fields.end()) return *it;
  const bool is_conversation = record.fields.contains("chosen") && record.fields["chosen"].is_array();
  record.place.fail(fmt::format("must have the field '{}', found none", key),
                    is_conversation
                        ? "conversations without a prompt of their own: put what both share into \"prompt\""
                        : "");
}

std::vector<ChatMessage> prompt_of(const Record& record) {
  const json& prompt = required(record, "prompt");
  if (prompt.is_array()) {
    std::vector<ChatMessage> messages = messages_of(prompt, record.place);
    if (messages.empty() || messages.back().role != "user") {
      record.place.fail("a prompt must end with a question of the user, found otherwise");
    }
    return messages;
  }
  std::vector<ChatMessage> messages;
  if (record.fields.contains("system")) messages.push_back({"system", record_text(record, "system")});
  messages.push_back({"user", record_text(record, "prompt")});
  return messages;
}

std::string answer_of(const Record& record, const char* key) {
  const json& answer = required(record, key);
  std::string text;
  if (answer.is_array()) {
    const std::vector<ChatMessage> messages = messages_of(answer, record.place);
    if (messages.size() != 1 || messages[0].role != "assistant") {
      record.place.fail(fmt::format("'{}' must be one message of the assistant, found otherwise", key));
    }
    text = messages[0].content;
  } else {
    text = record_text(record, key);
  }
  if (is_blank(text)) {
    record.place.fail(
        fmt::format("must have an answer that says something in '{}', found an empty one", key));
  }
  return text;
}

Preference preference_of(const Record& record) {
  Preference preference{prompt_of(record), answer_of(record, "chosen"), answer_of(record, "rejected"),
                        record.place};
  if (preference.chosen == preference.rejected) {
    record.place.fail("must prefer one answer to another, found the same twice");
  }
  return preference;
}

TokenDocument encoded(const Tokenizer& tokenizer, const ChatSettings& chat, const Preference& preference,
                      const std::string& answer) {
  Conversation conversation;
  conversation.messages = preference.prompt;
  conversation.messages.push_back({"assistant", answer});
  for (const ChatMessage& message : conversation.messages) {
    if (message.role == "assistant") conversation.learnt.push_back(0);
  }
  conversation.learnt.back() = 1;
  return encode_conversation(tokenizer, chat, conversation, preference.place);
}

uint64_t positions_of(const TokenDocument& document) {
  return document.ids.size() - 1;
}

}  // namespace

PreferencePairs::PreferencePairs(std::vector<PreferencePair> pairs) : pairs_(std::move(pairs)) {
  if (pairs_.size() > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorKind::kUnsupported, "preferences", "must be less than 2^32 pairs, found more");
  }
}

uint64_t PreferencePairs::positions(uint32_t document) const {
  return positions_of(pairs_[document].chosen) + positions_of(pairs_[document].rejected);
}

void PreferencePairs::append(uint32_t document, [[maybe_unused]] uint64_t from,
                             [[maybe_unused]] uint64_t count, Pack& pack) const {
  assert(from == 0 && count == positions(document));
  append_positions(pairs_[document].chosen, pack);
  append_positions(pairs_[document].rejected, pack);
}

std::shared_ptr<const PreferencePairs> read_preferences(const std::vector<std::filesystem::path>& paths,
                                                        const Tokenizer& tokenizer, const ChatSettings& chat,
                                                        int threads, const ReadEvents& events) {
  CorpusFiles files = find_record_files(paths);
  RecordFiles records(std::move(files.paths));
  std::vector<PreferencePair> pairs;
  encode_batches(
      threads,
      [&]() -> std::optional<Preference> {
        const std::optional<Record> record = records.next();
        if (!record) return std::nullopt;
        return preference_of(*record);
      },
      [](const Preference& preference) {
        return preference.prompt.back().content.size() + preference.chosen.size() +
               preference.rejected.size();
      },
      [&](const Preference& preference) {
        return PreferencePair{encoded(tokenizer, chat, preference, preference.chosen),
                              encoded(tokenizer, chat, preference, preference.rejected),
                              preference.place.text()};
      },
      [&](const Preference& /*preference*/, PreferencePair pair) {
        pairs.push_back(std::move(pair));
        if (events.progress) events.progress(records.position(), files.bytes);
      },
      events.cancel);
  if (pairs.empty())
    throw Error(ErrorKind::kFile, paths.front().string(), "must hold preferences, found none");
  return std::make_shared<PreferencePairs>(std::move(pairs));
}

}  // namespace longscroll::data
