// The user's data files: found below --data, hashed, checked for UTF-8, split into records.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace longscroll {

// Bytes from outside. A file above this is not a benchmark's; guards memory.
inline constexpr uint64_t kMaxDataBytes = uint64_t{4} << 30;

// All of it throws Error(kFile) for a path that leads out of the folder.
class DataFolder {
 public:
  // `folders`: where below `root` files are looked for, in order ("" is `root` itself). `source`: a line on
  // where the official files are, for messages.
  DataFolder(std::filesystem::path root, std::vector<std::string> folders, std::string source);

  // Below root, with '/'; the first folder that has it.
  std::optional<std::string> find(const std::string& file) const;
  // Throws Error(kFile) with the source in its hint.
  std::string require(const std::string& file) const;
  // The regular files in a folder below root whose names end in one of `endings`, by name; empty when there
  // is none.
  std::vector<std::string> list(const std::string& folder, const std::vector<std::string>& endings) const;

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path path(const std::string& below) const { return root_ / below; }

 private:
  std::filesystem::path root_;
  std::vector<std::string> folders_;
  std::string source_;
};

struct DataText {
  std::string bytes;  // valid UTF-8, without a byte order mark
  std::string sha256;
};

// Throws Error(kFile): missing, too large, empty, not UTF-8 (with the line).
DataText read_data(const std::filesystem::path& path);

// Calls record(json, line) for each line of a .jsonl file; lines end at \n alone and are counted from 1.
// Throws Error(kFile), naming file and line, for a line that is not one JSON object; an empty line at the end
// is none.
void for_each_record(std::string_view text, const std::filesystem::path& path,
                     const std::function<void(const nlohmann::json& record, size_t line)>& record);

[[noreturn]] void fail_at_line(const std::filesystem::path& path, size_t line, const std::string& what);

// A record's text under `key`. Throws Error(kFile), naming file and line.
std::string record_text(const nlohmann::json& record, const std::string& key,
                        const std::filesystem::path& path, size_t line);

// Python's str.split(): runs of what is not Unicode white space.
size_t count_words(std::string_view text);

}  // namespace longscroll
