// A corpus or instructions, once and for all, to a folder of token shards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/corpus_reader.h"
#include "data/instructions.h"
#include "data/length_stats.h"
#include "data/tokenizer_identity.h"

namespace longscroll::data {

struct PackRequest {
  std::vector<std::filesystem::path> inputs;  // files and folders
  std::filesystem::path out;                  // the folder to make
  bool replace = false;                       // what lies at `out`
  std::string model;                          // the tokenizer's name, for messages
  uint64_t shard_ids = uint64_t{1} << 26;     // a shard ends with the document that reaches so many
  int threads = 1;

  // Of a corpus: its texts are encoded with markup as text, and get these ids around them.
  std::string text_field = "text";
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  std::function<bool(const CorpusText&)> keep;  // of which documents; none: all

  // Given: the inputs are instructions in this chat form, which brings its own ids.
  std::optional<ChatSettings> chat;
  std::optional<InstructionForm> form;  // nullopt: told from each record
};

struct ShardSummary {
  std::string file;
  uint64_t documents = 0;
  uint64_t ids = 0;
  std::string first;  // places of its first and its last document: "corpus.jsonl line 7"
  std::string last;
};

struct PackReport {
  TokenizerIdentity tokenizer;
  std::vector<ShardSummary> shards;
  uint64_t learnt =
      0;  // ids that are a target: all but each document's first, or the answers' of instructions
  uint64_t empty = 0;      // documents without text, left out
  uint64_t too_short = 0;  // documents of one id, which predict nothing, left out
  LengthStats lengths;
  std::vector<std::string> remarks;
};

// The id that the tokenizer itself puts before a text; nullopt: none.
std::optional<TokenId> leading_id(const Tokenizer& tokenizer);

// The same bytes for any number of threads. Nothing lies at `out` before all is done (AtomicDirectory); a
// manifest.json beside the shards says what they were made of. Throws Error(kArgument) when something lies at
// `out` that is not to be replaced, Error(kFile) as the readers do and when there is no document,
// Error(kResource) when the disk is full, Error(kCancelled).
PackReport pack_corpus(const PackRequest& request, const Tokenizer& tokenizer, const ReadEvents& events = {});

}  // namespace longscroll::data
