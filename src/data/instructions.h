// Instructions as ids: the model's chat form around them, and loss on the answers alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/conversation.h"
#include "data/document_set.h"
#include "data/records.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace longscroll::data {

struct ChatSettings {
  ChatFormat format = ChatFormat::kChatML;
  std::string default_system;  // where a conversation has none; empty: none
};

// The ids of chat_transcript(); learnt are those of each answer, its text and the token that ends it, where
// the conversation says so. Throws Error(kFile), naming file and line, when the chat form has no such
// conversation.
TokenDocument encode_conversation(const Tokenizer& tokenizer, const ChatSettings& chat,
                                  const Conversation& conversation, const RecordPlace& place);

// Records of files, one after the other. Not thread safe. Throws as RecordReader does.
class RecordFiles {
 public:
  explicit RecordFiles(std::vector<std::filesystem::path> files) : files_(std::move(files)) {}
  std::optional<Record> next();
  uint64_t position() const;  // bytes of the files on disk

 private:
  std::vector<std::filesystem::path> files_;
  size_t next_file_ = 0;
  std::optional<RecordReader> reader_;
  uint64_t bytes_before_ = 0;
};

struct ReadEvents {
  std::function<void(uint64_t done, uint64_t total)> progress;  // bytes of the files; on the calling thread
  const std::atomic<bool>* cancel = nullptr;                    // Error(kCancelled) soon after it is set
};

// Hands on each instruction of the files, encoded, with its place ("chat.jsonl line 7"), in their order.
// Throws as RecordReader, conversation_of and encode_conversation do; Error(kCancelled) when `cancel` is set.
void encode_instructions(RecordFiles& records, std::optional<InstructionForm> form,
                         const Tokenizer& tokenizer, const ChatSettings& chat, int threads,
                         const std::atomic<bool>* cancel,
                         const std::function<void(TokenDocument document, const std::string& place)>& sink);

// The instructions of .jsonl and .json files and folders of them (find_record_files), whole in memory: for
// small sets; `longscroll data pack --instructions` makes shards of large ones. `threads` >= 1 encode.
Documents read_instructions(const std::vector<std::filesystem::path>& paths,
                            std::optional<InstructionForm> form, const Tokenizer& tokenizer,
                            const ChatSettings& chat, int threads, const ReadEvents& events = {});

}  // namespace longscroll::data
