// A token shard: the ids of many documents in one file, mapped into memory (docs/formats/token-shards.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/token_id.h"
#include "data/tokenizer_identity.h"
#include "formats/atomic_file.h"

namespace longscroll::data {

inline constexpr const char* kShardEnding = ".tokens";

// A document's ids, and which of them a model is to learn to predict: all of a plain text, the answers of an
// instruction.
struct TokenDocument {
  std::vector<TokenId> ids;
  std::vector<uint8_t> learnt;  // one for each id, 1 or 0; empty: all
};

// Immutable; safe to share between threads.
class TokenShard {
 public:
  // Checks everything but the ids themselves. Throws Error(kFile): not a shard, cut short, damaged;
  // Error(kUnsupported): of a later version.
  explicit TokenShard(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  const TokenizerIdentity& tokenizer() const { return tokenizer_; }
  bool has_answers() const { return has_answers_; }  // only the answers are learnt: instructions
  uint32_t documents() const { return documents_; }
  uint64_t ids() const { return ids_; }  // of all documents
  // Of a document < documents(): its ids, at least 2.
  uint64_t length(uint32_t document) const { return entry(document).end - begin(document); }

  // Ids [from, from + count) of a document; from + count <= length(). Throws Error(kFile), naming the
  // document, when the document's bytes are not those that were written, or an id is none of the vocabulary.
  TokenDocument read(uint32_t document, uint64_t from, uint64_t count) const;

  // Throws Error(kFile) unless every document is as it was written.
  void check_documents() const;

 private:
  struct Entry {
    uint64_t end;       // of the document, counted in ids from the start of all
    uint64_t checksum;  // of its bytes
  };
  struct Layout;

  Layout checked_header() const;
  void check_table(uint64_t table_checksum) const;
  Entry entry(uint32_t document) const;
  uint64_t begin(uint32_t document) const { return document == 0 ? 0 : entry(document - 1).end; }
  std::span<const std::byte> checked_bytes(uint32_t document) const;
  [[noreturn]] void fail(uint32_t document, const std::string& what) const;

  MappedFile file_;
  TokenizerIdentity tokenizer_;
  bool has_answers_ = false;
  uint32_t id_bytes_ = 0;
  uint32_t documents_ = 0;
  uint64_t ids_ = 0;
  uint64_t table_offset_ = 0;
};

// Writes one, through AtomicFile: nothing lies under the name before commit(). In memory for 16 bytes a
// document. Not thread safe. Throws Error(kFile | kResource) as AtomicFile does.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path path, const TokenizerIdentity& tokenizer, bool with_answers);

  // At least 2 ids of the vocabulary; `learnt` as the shard was opened for.
  void add(const TokenDocument& document);
  void commit();

  uint32_t documents() const { return static_cast<uint32_t>(ends_.size()); }
  uint64_t ids() const { return ends_.empty() ? 0 : ends_.back(); }

 private:
  AtomicFile file_;
  [[maybe_unused]] uint32_t vocab_size_;  // what an assert compares with
  uint32_t id_bytes_;
  bool with_answers_;
  uint64_t header_checksum_ = 0;
  std::vector<uint64_t> ends_;
  std::vector<uint64_t> checksums_;
  std::vector<std::byte> bytes_;  // of the document under way
};

// The shards that paths name: files, and of a folder its *.tokens by name. Throws Error(kFile) when a path is
// missing or a folder has none.
std::vector<std::filesystem::path> find_shards(const std::vector<std::filesystem::path>& paths);

}  // namespace longscroll::data
