// Reads document shards. What is wrong in one goes to a list of faults, never further.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_set>

#include "corpus/faults.h"
#include "corpus/line_reader.h"
#include "corpus/record_parser.h"
#include "corpus/text_document.h"

namespace longscroll::corpus {

// In memory for one document and a hash for each of the shard's ids. Not thread safe. Throws nothing that is
// the file's fault.
class DocumentReader {
 public:
  DocumentReader(const std::filesystem::path& path, FaultList& faults);  // `faults` must outlive the reader

  bool next(TextDocument& document);  // false at the end
  uint64_t position() const { return lines_ ? lines_->position() : 0; }

 private:
  bool take(const Line& line, TextDocument& document);
  bool fail(const Line& line, std::string kind, std::string what);  // false

  std::string file_;
  FaultList& faults_;
  std::unique_ptr<LineReader> lines_;  // null when the file cannot be opened
  RecordParser parser_{kMaxDepth};
  std::unordered_set<uint64_t> ids_;
};

}  // namespace longscroll::corpus
