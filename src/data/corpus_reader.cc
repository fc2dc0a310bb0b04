#include "data/corpus_reader.h"

#include <algorithm>
#include <array>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/blank.h"
#include "formats/file_faults.h"
#include "library/document.h"

namespace longscroll::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 2> kTextEndings = {".txt", ".md"};
constexpr std::array<std::string_view, 3> kCorpusEndings = {".jsonl", ".txt", ".md"};
constexpr std::array<std::string_view, 2> kRecordEndings = {".jsonl", ".json"};

bool is_packed(const fs::path& path) {
  return path.extension() == ".gz" || path.extension() == ".zst";
}

// Without what a compressor put behind the name.
bool ends_in(const fs::path& path, std::span<const std::string_view> endings) {
  const std::string extension = (is_packed(path) ? path.stem() : path).extension().string();
  return std::find(endings.begin(), endings.end(), extension) != endings.end();
}

std::string listed(std::span<const std::string_view> endings) {
  std::string text;
  for (const std::string_view ending : endings) text += fmt::format("{}{}", text.empty() ? "" : ", ", ending);
  return text;
}

void add_folder(const fs::path& folder, std::span<const std::string_view> endings, CorpusFiles& found) {
  std::vector<fs::path> inside;
  std::vector<fs::path> others;
  std::error_code fault;
  for (fs::recursive_directory_iterator it(folder, fault), end; !fault && it != end; it.increment(fault)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) (ends_in(it->path(), endings) ? inside : others).push_back(it->path());
  }
  if (fault) throw_bad_file(folder, fmt::format("must be readable, found: {}", fault.message()));
  if (inside.empty()) {
    throw_bad_file(
        folder, fmt::format("must hold files in {} (or these with .gz, .zst), found none", listed(endings)));
  }
  std::sort(inside.begin(), inside.end());
  found.paths.insert(found.paths.end(), inside.begin(), inside.end());
  if (!others.empty()) {
    std::sort(others.begin(), others.end());
    found.remarks.push_back(fmt::format("{}: {} file(s) of other kinds left out, the first {}",
                                        folder.string(), others.size(),
                                        shown_name(others.front().filename().string())));
  }
}

CorpusFiles find_files(const std::vector<fs::path>& paths, std::span<const std::string_view> endings) {
  CorpusFiles found;
  for (const fs::path& path : paths) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      add_folder(path, endings, found);
    } else if (!fs::exists(path, ignored)) {
      throw_bad_file(path, "must be a file or a folder, found nothing there");
    } else if (!ends_in(path, endings)) {
      throw_unsupported_file(
          path, fmt::format("must end in {} (or these with .gz, .zst), found another kind", listed(endings)));
    } else {
      found.paths.push_back(path);
    }
  }
  for (const fs::path& path : found.paths) {
    std::error_code ignored;
    const uintmax_t size = fs::file_size(path, ignored);
    if (!ignored) found.bytes += size;
  }
  return found;
}

}  // namespace

CorpusFiles find_corpus_files(const std::vector<fs::path>& paths) {
  return find_files(paths, kCorpusEndings);
}

CorpusFiles find_record_files(const std::vector<fs::path>& paths) {
  return find_files(paths, kRecordEndings);
}

CorpusReader::CorpusReader(std::vector<fs::path> files, std::string text_field)
    : files_(std::move(files)), text_field_(std::move(text_field)) {}

uint64_t CorpusReader::position() const {
  return bytes_before_ + (records_ ? records_->position() : 0);
}

std::optional<CorpusText> CorpusReader::next() {
  for (;;) {
    std::optional<CorpusText> document = next_in_file();
    if (!document || !is_blank(document->text)) return document;
    ++empty_;
  }
}

std::optional<CorpusText> CorpusReader::next_in_file() {
  for (;;) {
    if (records_) {
      if (std::optional<Record> record = records_->next()) {
        return CorpusText{record_text(*record, text_field_), record->place.text()};
      }
      bytes_before_ += records_->position();
      records_.reset();
    }
    if (next_file_ == files_.size()) return std::nullopt;
    const fs::path& path = files_[next_file_++];
    if (ends_in(path, kTextEndings)) return read_text_file(path);
    records_ = std::make_unique<RecordReader>(path);
  }
}

std::vector<std::string> CorpusReader::remarks() const {
  std::vector<std::string> remarks = remarks_;
  for (const auto& [encoding, encoded] : encodings_) {
    remarks.push_back(
        fmt::format("{} text file(s) read as {}, the first {}", encoded.files, encoding, encoded.first));
  }
  return remarks;
}

CorpusText CorpusReader::read_text_file(const fs::path& path) {
  CorpusText document{{}, path.filename().string()};
  std::string bytes = is_packed(path) ? read_bytes(path, kMaxRecordBytes) : read_file_bytes(path).bytes;
  std::error_code ignored;
  const uintmax_t size = fs::file_size(path, ignored);
  if (!ignored) bytes_before_ += size;
  if (is_blank(bytes)) return document;
  Document decoded = decode_document(std::move(bytes), path.string());
  if (decoded.encoding != "UTF-8") {
    Encoded& encoded = encodings_[decoded.encoding];
    if (encoded.files++ == 0) encoded.first = path.filename().string();
  }
  for (const std::string& remark : decoded.remarks) {
    remarks_.push_back(fmt::format("{}: {}", path.filename().string(), remark));
  }
  document.text = std::move(decoded.text);
  return document;
}

}  // namespace longscroll::data
