#include "suites/data_files.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/hasher.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "base/white_space.h"
#include "formats/strict_json.h"

namespace longscroll {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxRecordDepth = 16;

size_t line_of(std::string_view text, size_t at) {
  return 1 +
         static_cast<size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

// A suite file from outside names files: they must not lead out of the user's folder.
void check_below(const std::string& file) {
  const fs::path path(file);
  const bool leaves = path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end();
  if (!leaves) return;
  throw Error(ErrorKind::kFile, file, "must lie below --data, found a path that leads out of it");
}

void check_utf8(std::string_view text, const fs::path& path) {
  if (is_valid_utf8(text)) return;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text, at);
    if (!c.valid) {
      throw Error(ErrorKind::kFile, path.string(),
                  fmt::format("line {} must be UTF-8, found the byte 0x{:02X}", line_of(text, at),
                              static_cast<unsigned char>(text[at])),
                  "is this file in GBK, or a compressed one?");
    }
    at += c.length;
  }
}

}  // namespace

DataFolder::DataFolder(fs::path root, std::vector<std::string> folders, std::string source)
    : root_(std::move(root)), folders_(std::move(folders)), source_(std::move(source)) {
  if (folders_.empty()) folders_.emplace_back();
  for (const std::string& folder : folders_) check_below(folder);
}

std::optional<std::string> DataFolder::find(const std::string& file) const {
  check_below(file);
  std::error_code ignored;
  for (const std::string& folder : folders_) {
    std::string below = folder.empty() ? file : folder + "/" + file;
    if (fs::is_regular_file(root_ / below, ignored)) return below;
  }
  return std::nullopt;
}

std::string DataFolder::require(const std::string& file) const {
  std::error_code ignored;
  if (!fs::is_directory(root_, ignored)) {
    throw Error(ErrorKind::kFile, root_.string(), "must be the folder with the data files, found no folder",
                source_);
  }
  std::optional<std::string> found = find(file);
  if (found) return *found;
  std::string places;
  for (const std::string& folder : folders_) {
    places += (places.empty() ? "" : ", ") + (folder.empty() ? std::string("itself") : folder + "/");
  }
  throw Error(ErrorKind::kFile, root_.string(),
              fmt::format("must have the file {} (in {}), found none", file, places), source_);
}

std::vector<std::string> DataFolder::list(const std::string& folder,
                                          const std::vector<std::string>& endings) const {
  check_below(folder);
  std::vector<std::string> names;
  std::error_code fault;
  for (fs::directory_iterator it(root_ / folder, fault), end; !fault && it != end; it.increment(fault)) {
    const std::string name = it->path().filename().string();
    const bool wanted =
        std::any_of(endings.begin(), endings.end(), [&](const auto& e) { return name.ends_with(e); });
    std::error_code ignored;
    if (wanted && it->is_regular_file(ignored)) names.push_back(folder.empty() ? name : folder + "/" + name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

DataText read_data(const fs::path& path) {
  const MappedFile file(path);
  if (file.bytes().size() > kMaxDataBytes) {
    throw Error(ErrorKind::kFile, path.string(),
                fmt::format("must be at most {} bytes, found {}", kMaxDataBytes, file.bytes().size()));
  }
  std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  DataText text;
  text.sha256 = sha256_hex(bytes);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (bytes.empty()) throw Error(ErrorKind::kFile, path.string(), "must hold records, found an empty file");
  check_utf8(bytes, path);
  text.bytes = bytes;
  return text;
}

void for_each_record(std::string_view text, const fs::path& path,
                     const std::function<void(const nlohmann::json& record, size_t line)>& record) {
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      if (text.find_first_not_of(" \t\r\n") == std::string_view::npos && number > 1) return;
      fail_at_line(path, number, "must be a JSON object, found an empty line");
    }
    const nlohmann::json parsed =
        parse_strict_json(line, path, fmt::format("record of line {}", number), kMaxRecordDepth);
    if (!parsed.is_object()) {
      fail_at_line(path, number, fmt::format("must be a JSON object, found {}", parsed.type_name()));
    }
    record(parsed, number);
  }
}

void fail_at_line(const fs::path& path, size_t line, const std::string& what) {
  throw Error(ErrorKind::kFile, path.string(), fmt::format("line {} {}", line, what));
}

std::string record_text(const nlohmann::json& record, const std::string& key, const fs::path& path,
                        size_t line) {
  const auto it = record.find(key);
  if (it == record.end()) fail_at_line(path, line, fmt::format("must have the field '{}', found none", key));
  if (!it->is_string()) {
    fail_at_line(path, line,
                 fmt::format("must have a text in the field '{}', found {}", key, it->type_name()));
  }
  return it->get<std::string>();
}

size_t count_words(std::string_view text) {
  size_t words = 0;
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text, at);
    at += c.length;
    const bool space = is_python_space(c.code_point);
    if (!space && !in_word) ++words;
    in_word = !space;
  }
  return words;
}

}  // namespace longscroll
