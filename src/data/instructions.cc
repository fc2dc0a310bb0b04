#include "data/instructions.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/corpus_reader.h"
#include "data/encode_batches.h"

namespace longscroll::data {
namespace {

// What Index-1.9B's fine-tuning puts where a record of its form has no system message (finetune/README.md
// there).
constexpr std::string_view kIndexSystem =
    "你是由哔哩哔哩自主研发的大语言模型，名为“Index”。你能够根据用户传入的信息，帮助用户完成指定的任务，"
    "并生成恰当的、符合要求的回复。";

struct Instruction {
  Conversation conversation;
  RecordPlace place;
};

size_t bytes_of(const Conversation& conversation) {
  size_t bytes = 0;
  for (const ChatMessage& message : conversation.messages) bytes += message.content.size();
  return bytes;
}

}  // namespace

TokenDocument encode_conversation(const Tokenizer& tokenizer, const ChatSettings& chat,
                                  const Conversation& conversation, const RecordPlace& place) {
  const bool is_index = conversation.index_system && chat.format == ChatFormat::kIndex;
  ChatTranscript transcript;
  try {
    transcript = chat_transcript(tokenizer, chat.format, conversation.messages,
                                 is_index ? kIndexSystem : std::string_view(chat.default_system));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kArgument) throw;
    place.fail(fmt::format("must be a conversation that the model's chat form has, found otherwise: {}",
                           error.what()));
  }
  TokenDocument document;
  document.learnt.resize(transcript.ids.size());
  for (size_t i = 0; i < transcript.answers.size(); ++i) {
    if (conversation.learnt[i] == 0) continue;
    const AnswerSpan& span = transcript.answers[i];
    std::fill(document.learnt.begin() + static_cast<ptrdiff_t>(span.begin),
              document.learnt.begin() + static_cast<ptrdiff_t>(span.end), uint8_t{1});
  }
  document.ids = std::move(transcript.ids);
  return document;
}

std::optional<Record> RecordFiles::next() {
  for (;;) {
    if (reader_) {
      if (std::optional<Record> record = reader_->next()) return record;
      bytes_before_ += reader_->position();
      reader_.reset();
    }
    if (next_file_ == files_.size()) return std::nullopt;
    reader_.emplace(files_[next_file_++]);
  }
}

uint64_t RecordFiles::position() const {
  return bytes_before_ + (reader_ ? reader_->position() : 0);
}

void encode_instructions(RecordFiles& records, std::optional<InstructionForm> form,
                         const Tokenizer& tokenizer, const ChatSettings& chat, int threads,
                         const std::atomic<bool>* cancel,
                         const std::function<void(TokenDocument document, const std::string& place)>& sink) {
  encode_batches(
      threads,
      [&]() -> std::optional<Instruction> {
        const std::optional<Record> record = records.next();
        if (!record) return std::nullopt;
        return Instruction{conversation_of(*record, form), record->place};
      },
      [](const Instruction& instruction) { return bytes_of(instruction.conversation); },
      [&](const Instruction& instruction) {
        return encode_conversation(tokenizer, chat, instruction.conversation, instruction.place);
      },
      [&](const Instruction& instruction, TokenDocument document) {
        sink(std::move(document), instruction.place.text());
      },
      cancel);
}

Documents read_instructions(const std::vector<std::filesystem::path>& paths,
                            std::optional<InstructionForm> form, const Tokenizer& tokenizer,
                            const ChatSettings& chat, int threads, const ReadEvents& events) {
  CorpusFiles files = find_record_files(paths);
  RecordFiles records(std::move(files.paths));
  std::vector<NamedDocument> documents;
  encode_instructions(records, form, tokenizer, chat, threads, events.cancel,
                      [&](TokenDocument document, const std::string& place) {
                        documents.push_back({std::move(document), place});
                        if (events.progress) events.progress(records.position(), files.bytes);
                      });
  if (documents.empty()) {
    throw Error(ErrorKind::kFile, paths.front().string(), "must hold instructions, found none");
  }
  return hold_instructions(std::move(documents));
}

}  // namespace longscroll::data
