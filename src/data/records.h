// The records of a file, one JSON object each: JSONL, or one JSON array; plain, .gz or .zst.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "data/byte_source.h"

namespace longscroll::data {

inline constexpr uint64_t kMaxRecordBytes = uint64_t{256} << 20;  // far above any window; guards memory

// Where a record lies, for messages.
struct RecordPlace {
  std::filesystem::path path;
  uint64_t line = 0;  // from 1: where the record begins

  std::string text() const;  // "corpus.jsonl line 7"
  // Throws Error(kFile): "[path] line 7 WHAT".
  [[noreturn]] void fail(const std::string& what, std::string hint = {}) const;
};

struct Record {
  nlohmann::json fields;  // an object
  RecordPlace place;
};

// Reads a file front to back, in memory for one record (of a JSON array: for the whole text, up to 4 GiB).
// Lines end at \n alone; empty ones are allowed at the end of the file only. Not thread safe. All of it
// throws Error(kFile), naming file and line: not UTF-8, not one JSON object, a key given twice, too long, cut
// short.
class RecordReader {
 public:
  // A name that ends in .json, .json.gz or .json.zst may hold an array; every other is JSONL.
  explicit RecordReader(std::filesystem::path path);

  std::optional<Record> next();
  uint64_t position() const { return bytes_->position(); }  // of the file's own bytes

 private:
  bool read_more();
  std::optional<Record> next_line();
  std::optional<Record> next_element();
  void read_array();
  void skip_space();
  std::string_view take_element();
  Record parsed(std::string_view text, uint64_t line) const;

  std::filesystem::path path_;
  std::unique_ptr<ByteSource> bytes_;
  std::string buffer_;
  size_t at_ = 0;      // of buffer_: what was not handed out yet
  uint64_t line_ = 1;  // of what is at at_
  bool at_end_ = false;
  bool is_array_ = false;
};

// A record's text under `key`. Throws Error(kFile), naming file, line and the keys that there are.
std::string record_text(const Record& record, const std::string& key);

}  // namespace longscroll::data
