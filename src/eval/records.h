// One line of records.jsonl, and the file that they are appended to. docs/formats/eval-records.md has the
// keys.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "metrics/metric.h"

namespace longscroll {

struct EvalRecord {
  std::string task, id;
  size_t index = 0;  // place in the whole run, all shards' together
  std::string prompt_sha256;
  size_t prompt_tokens = 0, dropped_tokens = 0;
  nlohmann::json truncation;  // null, or an object that has its mode
  std::string prediction;
  std::string finish;
  std::vector<double> choice_log_likelihoods;
  std::vector<size_t> choice_tokens;  // that each of these is a sum over
  std::vector<std::string> references, classes;
  std::string metric;           // empty: an earlier part, scored with the later one
  std::optional<double> score;  // nullopt: the same
  std::string scored_prediction;
  std::vector<std::string> scored_references;
  std::map<std::string, double> parts;
  nlohmann::json fields;  // an object; null in a record that was not read from a file
  size_t generated_tokens = 0, reused_tokens = 0;
  double prefill_seconds = 0, decode_seconds = 0;

  ItemScore item_score() const { return {score.value_or(0), scored_prediction, scored_references, parts}; }
};

std::string to_line(const EvalRecord& record);  // with its line end
// Throws Error(kFile), naming path and line, for whatever is missing, of a wrong type or out of range. Keys
// that it does not know are ignored.
EvalRecord parse_record(std::string_view line, const std::filesystem::path& path, size_t number);

struct RecordLine {
  EvalRecord record;
  std::string text;  // as in the file, without its line end
};
// All lines of a file; a last one without a line end is not read, and makes `broken_tail` true. No two are of
// one task and id.
struct RecordLines {
  std::vector<RecordLine> lines;
  uint64_t whole_bytes = 0;  // up to the last line end
  bool broken_tail = false;
};
RecordLines read_records(const std::filesystem::path& path);  // throws Error(kFile)

// Appends whole lines. Held by one process at a time.
class RecordFile {
 public:
  // Makes the file, or opens the one that is there. Throws Error(kResource), also when another process holds
  // it.
  explicit RecordFile(std::filesystem::path path);
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  void cut(uint64_t bytes);            // keeps the first of them; throws Error(kResource)
  void append(std::string_view line);  // on disk when it returns; throws Error(kResource)

 private:
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path path_;
  int fd_ = -1;
};

inline constexpr const char* kRecordsName = "records.jsonl";
inline constexpr const char* kManifestName = "manifest.json";

}  // namespace longscroll
