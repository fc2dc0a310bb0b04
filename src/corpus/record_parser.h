// A JSON record's fields, out of hostile text.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll::corpus {

struct RecordField {
  std::string_view key;
  bool is_text = false;
  std::string_view text;  // a text's value
  std::string json;       // any other value, as JSON without spaces
};

struct ParsedRecord {
  std::vector<RecordField> fields;
  // Of a fault: "not-json", "not-utf8" or "too-long", and what must hold; else empty.
  std::string fault;
  std::string what;
};

// By simdjson, which checks the whole record at some GB/s: every step reads the corpus again, and
// nlohmann-json would be most of what `dedupe` does. Not thread safe.
class RecordParser {
 public:
  explicit RecordParser(size_t max_depth);
  ~RecordParser();
  RecordParser(const RecordParser&) = delete;
  RecordParser& operator=(const RecordParser&) = delete;

  // The record is a fault unless it is one JSON object in valid UTF-8 with no key twice and at most
  // `max_depth` levels.
  // Behind `line`, LineReader::kReadableBehind bytes may be read. What is given lives until the next call.
  const ParsedRecord& parse(std::string_view line);

 private:
  struct Parser;
  void fail(std::string fault, std::string what);
  void check_keys();

  std::unique_ptr<Parser> parser_;
  ParsedRecord record_;
};

}  // namespace longscroll::corpus
