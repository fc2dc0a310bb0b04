// Writes a document shard (docs/formats/document-shards.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "corpus/text_document.h"
#include "formats/atomic_file.h"

struct ZSTD_CCtx_s;

namespace longscroll::corpus {

// Through AtomicFile: nothing lies under the name before commit(). The same bytes for the same documents. Not
// thread safe. Throws Error(kFile | kResource) as AtomicFile does.
class DocumentWriter {
 public:
  explicit DocumentWriter(std::filesystem::path path);

  void add(const TextDocument& document);  // as the form asks: id, source and text not empty, UTF-8
  void commit();

  uint64_t documents() const { return documents_; }
  uint64_t text_bytes() const { return text_bytes_; }

 private:
  enum class Flush { kNo, kEnd };
  void pack(Flush flush);

  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };

  AtomicFile file_;
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
  std::string lines_;  // not packed yet
  std::vector<char> packed_;
  uint64_t documents_ = 0;
  uint64_t text_bytes_ = 0;
};

}  // namespace longscroll::corpus
