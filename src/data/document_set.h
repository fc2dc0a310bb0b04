// Documents that can be laid into packs, wherever they lie: in shards, in memory, chosen from others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/pack.h"
#include "data/token_shard.h"

namespace longscroll::data {

// Immutable; safe to share between threads. Fewer than 2^32 documents.
class DocumentSet {
 public:
  virtual ~DocumentSet() = default;

  virtual uint32_t size() const = 0;
  // What a document takes in a pack, at least 1: of a plain one its ids but the last.
  virtual uint64_t positions(uint32_t document) const = 0;
  // Whether a document may go on in another pack. An instruction may not: its answer would not see its
  // question.
  virtual bool may_split() const = 0;
  // Appends positions [from, from + count) of a document with their targets, and where documents begin.
  // Throws Error(kFile) when the document's bytes are damaged.
  virtual void append(uint32_t document, uint64_t from, uint64_t count, Pack& pack) const = 0;
  virtual std::string name(uint32_t document) const = 0;  // "essays/00000.tokens document 17"
};

using Documents = std::shared_ptr<const DocumentSet>;

// Appends a plain document's positions; `document` holds ids [from, from + count] of it.
void append_positions(const TokenDocument& document, Pack& pack);

// The documents of shards, in their order. Throws as TokenShard does; Error(kFile), naming the shard and both
// tokenizers, when one is of another tokenizer than `tokenizer`, or some hold instructions and some plain
// text.
Documents open_shards(const std::vector<std::filesystem::path>& paths, const TokenizerIdentity& tokenizer);

struct NamedDocument {
  TokenDocument document;  // at least 2 ids, some of them learnt
  std::string name;
};
// Instructions in memory: never split.
Documents hold_instructions(std::vector<NamedDocument> documents);

// Those of `of` whose numbers are in `chosen`, in that order.
Documents choose(Documents of, std::vector<uint32_t> chosen);

// All documents of the parts, one part after the other. At least one part; all may be split or none.
Documents join(std::vector<Documents> parts);

}  // namespace longscroll::data
