#include "data/records.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "formats/file_faults.h"
#include "formats/strict_json.h"

namespace longscroll::data {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 16;
constexpr uint64_t kMaxArrayBytes = uint64_t{4} << 30;
constexpr size_t kReadBytes = size_t{1} << 18;
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool may_be_array(fs::path path) {
  if (path.extension() == ".gz" || path.extension() == ".zst") path = path.stem();
  return path.extension() == ".json";
}

size_t first_invalid(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text, at);
    if (!c.valid) return at;
    at += c.length;
  }
  return text.size();
}

}  // namespace

std::string RecordPlace::text() const {
  return fmt::format("{} line {}", path.filename().string(), line);
}

void RecordPlace::fail(const std::string& what, std::string hint) const {
  throw Error(ErrorKind::kFile, path.string(), fmt::format("line {} {}", line, what), std::move(hint));
}

RecordReader::RecordReader(fs::path path) : path_(std::move(path)), bytes_(open_bytes(path_)) {
  while (buffer_.size() < kByteOrderMark.size() && read_more()) continue;
  if (buffer_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  if (may_be_array(path_)) read_array();
}

bool RecordReader::read_more() {
  if (at_end_) return false;
  buffer_.erase(0, std::exchange(at_, 0));
  const size_t before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  const size_t got = bytes_->read(std::span(buffer_).subspan(before));
  buffer_.resize(before + got);
  at_end_ = got == 0;
  return !at_end_;
}

std::optional<Record> RecordReader::next() {
  return is_array_ ? next_element() : next_line();
}

std::optional<Record> RecordReader::next_line() {
  std::optional<uint64_t> empty_line;
  for (;;) {
    size_t searched = 0;
    size_t end = buffer_.find('\n', at_);
    while (end == std::string::npos) {
      searched = buffer_.size() - at_;
      if (searched > kMaxRecordBytes) {
        RecordPlace{path_, line_}.fail(
            fmt::format("must be at most {} MiB, found more", kMaxRecordBytes >> 20));
      }
      if (!read_more()) break;
      end = buffer_.find('\n', at_ + searched);
    }
    const bool last = end == std::string::npos;
    if (last) end = buffer_.size();
    if (last && end == at_) return std::nullopt;
    const std::string_view line = std::string_view(buffer_).substr(at_, end - at_);
    const uint64_t number = line_++;
    at_ = last ? end : end + 1;
    if (line.find_first_not_of(kSpace) == std::string_view::npos) {
      if (!empty_line) empty_line = number;
      continue;
    }
    if (empty_line) RecordPlace{path_, *empty_line}.fail("must be a JSON object, found an empty line");
    return parsed(line, number);
  }
}

// A .json file is an array of records, or a single line of JSONL under another name.
void RecordReader::read_array() {
  while (buffer_.find_first_not_of(kSpace, at_) == std::string::npos && read_more()) continue;
  const size_t begin = buffer_.find_first_not_of(kSpace, at_);
  if (begin == std::string::npos || buffer_[begin] != '[') return;
  while (read_more()) {
    if (buffer_.size() > kMaxArrayBytes) {
      throw_bad_file(path_, fmt::format("an array must be at most {} GiB, found more", kMaxArrayBytes >> 30),
                     "one record a line (.jsonl) may be of any length");
    }
  }
  is_array_ = true;
  skip_space();
  ++at_;  // the bracket
  skip_space();
  if (at_ == buffer_.size())
    RecordPlace{path_, line_}.fail("must end the array with ], found its end: cut short?");
}

void RecordReader::skip_space() {
  for (; at_ < buffer_.size() && kSpace.find(buffer_[at_]) != std::string_view::npos; ++at_) {
    if (buffer_[at_] == '\n') ++line_;
  }
}

std::optional<Record> RecordReader::next_element() {
  skip_space();
  if (at_ == buffer_.size()) return std::nullopt;
  if (buffer_[at_] == ']') {
    ++at_;
    skip_space();
    if (at_ != buffer_.size())
      RecordPlace{path_, line_}.fail("must end with the array, found more behind it");
    return std::nullopt;
  }
  const uint64_t line = line_;
  const std::string_view text = take_element();
  Record record = parsed(text, line);
  skip_space();
  const bool has_end = at_ < buffer_.size() && (buffer_[at_] == ',' || buffer_[at_] == ']');
  if (!has_end) RecordPlace{path_, line_}.fail("must go on with , or ], found otherwise: cut short?");
  if (buffer_[at_] == ',') {
    ++at_;
    skip_space();
    if (at_ == buffer_.size() || buffer_[at_] == ']') {
      RecordPlace{path_, line_}.fail("must have a record behind the comma, found none");
    }
  }
  return record;
}

// Up to the comma or bracket behind it; what lies between is for the parser to judge.
std::string_view RecordReader::take_element() {
  const size_t begin = at_;
  int depth = 0;
  bool in_text = false;
  for (; at_ < buffer_.size(); ++at_) {
    const char c = buffer_[at_];
    if (c == '\n') ++line_;
    if (in_text) {
      if (c == '\\') ++at_;
      if (c == '"') in_text = false;
      continue;
    }
    if (depth == 0 && (c == ',' || c == ']')) break;
    if (c == '"') in_text = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
  }
  at_ = std::min(at_, buffer_.size());  // an escape may be the last byte
  return std::string_view(buffer_).substr(begin, at_ - begin);
}

Record RecordReader::parsed(std::string_view text, uint64_t line) const {
  Record record;
  record.place = {path_, line};
  if (const size_t at = first_invalid(text); at != text.size()) {
    record.place.fail(
        fmt::format("must be UTF-8, found the byte 0x{:02X}", static_cast<unsigned char>(text[at])),
        "is this file in GBK, or a compressed one under another name?");
  }
  record.fields = parse_strict_json(text, path_, fmt::format("record of line {}", line), kMaxDepth);
  if (!record.fields.is_object()) {
    record.place.fail(fmt::format("must be a JSON object, found {}", record.fields.type_name()));
  }
  return record;
}

std::string record_text(const Record& record, const std::string& key) {
  const auto it = record.fields.find(key);
  if (it == record.fields.end()) {
    std::string keys;
    for (const auto& [name, value] : record.fields.items())
      keys += (keys.empty() ? "" : ", ") + shown_name(name);
    record.place.fail(fmt::format("must have the field {}, found none", shown_name(key)),
                      fmt::format("it has {}", keys.empty() ? "no field at all" : keys));
  }
  if (!it->is_string()) {
    record.place.fail(
        fmt::format("must have a text in the field {}, found {}", shown_name(key), it->type_name()));
  }
  return it->get<std::string>();
}

}  // namespace longscroll::data
