#include "eval/records.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "formats/strict_json.h"
#include "library/file_bytes.h"

namespace longscroll {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kMaxDepth = 8;

// Reads a record's object key by key.
class Fields {
 public:
  Fields(const nlohmann::json& object, const std::filesystem::path& path, size_t number)
      : object_(object), path_(path), number_(number) {
    if (!object.is_object()) fail("be an object");
  }

  template <class Value>
  void read(const char* key, Value& value) const {
    const auto at = object_.find(key);
    if (at == object_.end()) fail(fmt::format("have {}", key));
    try {
      check_kind(*at, value, key);
      at->get_to(value);
    } catch (const nlohmann::json::exception&) {
      fail(fmt::format("have {} of its type", key));
    }
  }
  // Keys that not every record has.
  template <class Value>
  void read_if_there(const char* key, Value& value) const {
    if (object_.contains(key)) read(key, value);
  }
  const nlohmann::json& object() const { return object_; }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kFile, fmt::format("{}:{}", path_.string(), number_),
                "a record must " + what + ", found another",
                "docs/formats/eval-records.md has what a record holds");
  }

 private:
  template <class Value>
  void check_kind(const nlohmann::json& found, const Value&, const char* key) const {
    if constexpr (std::is_same_v<Value, size_t>) {
      if (!found.is_number_unsigned()) fail(fmt::format("have {} as a whole number", key));
    } else if constexpr (std::is_same_v<Value, double>) {
      if (!found.is_number()) fail(fmt::format("have {} as a number", key));
    }
  }

  const nlohmann::json& object_;
  const std::filesystem::path& path_;
  size_t number_;
};

}  // namespace

std::string to_line(const EvalRecord& r) {
  Json json = {{"task", r.task},
               {"id", r.id},
               {"index", r.index},
               {"prompt_sha256", r.prompt_sha256},
               {"prompt_tokens", r.prompt_tokens},
               {"dropped_tokens", r.dropped_tokens},
               {"truncation", r.truncation},
               {"prediction", r.prediction},
               {"finish", r.finish}};
  if (!r.choice_log_likelihoods.empty()) {
    json["choice_log_likelihoods"] = r.choice_log_likelihoods;
    json["choice_tokens"] = r.choice_tokens;
  }
  json["references"] = r.references;
  json["classes"] = r.classes;
  json["metric"] = r.metric;
  json["score"] = r.score ? Json(*r.score) : Json(nullptr);
  json["scored_prediction"] = r.scored_prediction;
  json["scored_references"] = r.scored_references;
  json["parts"] = r.parts;
  json["fields"] = r.fields.is_null() ? Json::object() : r.fields;
  json["generated_tokens"] = r.generated_tokens;
  json["reused_tokens"] = r.reused_tokens;
  json["times"] = {{"prefill_seconds", r.prefill_seconds}, {"decode_seconds", r.decode_seconds}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

EvalRecord parse_record(std::string_view line, const std::filesystem::path& path, size_t number) {
  if (!is_valid_utf8(line)) {
    throw Error(ErrorKind::kFile, fmt::format("{}:{}", path.string(), number),
                "must be UTF-8, found other bytes");
  }
  const nlohmann::json json = parse_strict_json(line, path, fmt::format("line {}", number), kMaxDepth);
  const Fields fields(json, path, number);
  EvalRecord r;
  fields.read("task", r.task);
  fields.read("id", r.id);
  fields.read("index", r.index);
  fields.read("prompt_sha256", r.prompt_sha256);
  fields.read("prompt_tokens", r.prompt_tokens);
  fields.read("dropped_tokens", r.dropped_tokens);
  fields.read("truncation", r.truncation);
  fields.read("prediction", r.prediction);
  fields.read("finish", r.finish);
  fields.read_if_there("choice_log_likelihoods", r.choice_log_likelihoods);
  fields.read_if_there("choice_tokens", r.choice_tokens);
  fields.read("references", r.references);
  fields.read("classes", r.classes);
  fields.read("metric", r.metric);
  if (json.contains("score") && !json["score"].is_null()) fields.read("score", r.score.emplace());
  if (r.score.has_value() == r.metric.empty()) fields.fail("have a score where it has a metric");
  fields.read("scored_prediction", r.scored_prediction);
  fields.read("scored_references", r.scored_references);
  fields.read("parts", r.parts);
  fields.read("fields", r.fields);
  fields.read("generated_tokens", r.generated_tokens);
  fields.read("reused_tokens", r.reused_tokens);
  if (!json.contains("times")) fields.fail("have times");
  const Fields times(json["times"], path, number);
  times.read("prefill_seconds", r.prefill_seconds);
  times.read("decode_seconds", r.decode_seconds);
  return r;
}

RecordLines read_records(const std::filesystem::path& path) {
  RecordLines found;
  const std::string bytes = read_file_bytes(path).bytes;
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t end = bytes.find('\n', begin);
    if (end == std::string::npos) {
      found.broken_tail = true;
      break;
    }
    RecordLine line;
    line.text = bytes.substr(begin, end - begin);
    line.record = parse_record(line.text, path, found.lines.size() + 1);
    found.lines.push_back(std::move(line));
    found.whole_bytes = begin = end + 1;
  }
  return found;
}

RecordFile::RecordFile(std::filesystem::path path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) fail("be made");
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(fd_);
  throw Error(ErrorKind::kResource, path_.string(),
              "must be written by one run at a time, found another at it");
}

RecordFile::~RecordFile() {
  ::close(fd_);
}

void RecordFile::cut(uint64_t bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0 || ::fsync(fd_) != 0)
    fail("be cut to its whole lines");
}

void RecordFile::append(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(fd_, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("take what is written");
    line.remove_prefix(static_cast<size_t>(written));
  }
  if (::fdatasync(fd_) != 0) fail("reach the disk");
}

void RecordFile::fail(const char* action) const {
  throw Error(ErrorKind::kResource, path_.string(),
              fmt::format("must {}, found: {}", action, std::strerror(errno)));
}

}  // namespace longscroll
