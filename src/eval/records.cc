#include "eval/records.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "formats/file_faults.h"
#include "formats/record_fields.h"
#include "formats/strict_json.h"
#include "library/file_bytes.h"

namespace longscroll {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kRecordDepth = 16;
constexpr size_t kMaxLineBytes = size_t{64} << 20;  // a record holds no prompt: far above any prediction

// The values of a list of numbers, each of which is_valid().
template <class Number, class IsValid>
std::vector<Number> numbers(const RecordFields& fields, const char* key, IsValid is_valid) {
  const nlohmann::json& values = fields.at(key);
  if (!values.is_array() || !std::ranges::all_of(values, is_valid)) {
    fields.fail(fmt::format("must have a list of finite numbers as '{}', found something else", key));
  }
  return values.get<std::vector<Number>>();
}

void parse_choices(const RecordFields& fields, EvalRecord& record) {
  const bool has_choices = fields.has_value("choice_log_likelihoods");
  if (has_choices != fields.has_value("choice_tokens"))
    fields.fail("must have 'choice_log_likelihoods' and 'choice_tokens' together, found one alone");
  if (!has_choices) return;
  record.choice_log_likelihoods = numbers<double>(
      fields, "choice_log_likelihoods",
      [](const nlohmann::json& value) { return value.is_number() && std::isfinite(value.get<double>()); });
  record.choice_tokens = numbers<size_t>(fields, "choice_tokens", [](const nlohmann::json& value) {
    return value.is_number_unsigned() && value.get<uint64_t>() <= kMaxCount;
  });
  if (record.choice_log_likelihoods.size() != record.choice_tokens.size()) {
    fields.fail(fmt::format("must have a count for each of {} choices as 'choice_tokens', found {}",
                            record.choice_log_likelihoods.size(), record.choice_tokens.size()));
  }
}

void parse_score(const RecordFields& fields, EvalRecord& record) {
  record.metric = fields.text("metric");
  if (fields.has_value("score")) record.score = fields.number("score");
  if (record.score.has_value() == record.metric.empty())
    fields.fail("must have a score where it has a metric, found one alone");
  record.scored_prediction = fields.text("scored_prediction");
  record.scored_references = fields.texts("scored_references");
  const RecordFields parts = fields.object("parts");
  for (const auto& part : parts.json().items()) {
    record.parts[part.key()] = parts.number(part.key().c_str());
  }
}

void parse_costs(const RecordFields& fields, EvalRecord& record) {
  record.generated_tokens = fields.count("generated_tokens");
  record.reused_tokens = fields.count("reused_tokens");
  if (record.reused_tokens > record.prompt_tokens) {
    fields.fail(fmt::format("must reuse at most its {} prompt tokens, found {}", record.prompt_tokens,
                            record.reused_tokens));
  }
  const RecordFields times = fields.object("times");
  record.prefill_seconds = times.number("prefill_seconds");
  record.decode_seconds = times.number("decode_seconds");
  if (record.prefill_seconds < 0 || record.decode_seconds < 0)
    fields.fail("must have times from 0 on, found a negative one");
}

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
  json["fields"] = r.fields.is_null() ? Json::object() : Json(r.fields);
  json["generated_tokens"] = r.generated_tokens;
  json["reused_tokens"] = r.reused_tokens;
  json["times"] = {{"prefill_seconds", r.prefill_seconds}, {"decode_seconds", r.decode_seconds}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

EvalRecord parse_record(std::string_view line, const std::filesystem::path& path, size_t number) {
  const std::string place = fmt::format("record in line {}", number);
  if (line.size() > kMaxLineBytes) {
    throw_bad_file(
        path, fmt::format("the {} must be at most {} bytes, found {}", place, kMaxLineBytes, line.size()));
  }
  if (!is_valid_utf8(line))
    throw_bad_file(path, fmt::format("the {} must be UTF-8, found other bytes", place));
  const nlohmann::json json = parse_strict_json(line, path, place, kRecordDepth);
  const RecordFields fields(json, path, place);
  EvalRecord record;
  record.task = fields.text("task");
  record.id = fields.text("id");
  record.index = fields.count("index");
  record.prompt_sha256 = fields.text("prompt_sha256");
  record.prompt_tokens = fields.count("prompt_tokens");
  record.dropped_tokens = fields.count("dropped_tokens");
  record.truncation = fields.at("truncation");
  if (!record.truncation.is_null()) fields.object("truncation").text("mode");
  record.prediction = fields.text("prediction");
  record.finish = fields.text("finish");
  record.references = fields.texts("references");
  record.classes = fields.texts("classes");
  record.fields = fields.object("fields").json();
  parse_choices(fields, record);
  parse_score(fields, record);
  parse_costs(fields, record);
  return record;
}

RecordLines read_records(const std::filesystem::path& path) {
  RecordLines found;
  const std::string bytes = read_file_bytes(path).bytes;
  std::map<std::pair<std::string, std::string>, size_t> seen;  // to the line
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t end = bytes.find('\n', begin);
    if (end == std::string::npos) {
      found.broken_tail = true;
      break;
    }
    const size_t number = found.lines.size() + 1;
    RecordLine line;
    line.text = bytes.substr(begin, end - begin);
    line.record = parse_record(line.text, path, number);
    const auto [first, is_new] = seen.emplace(std::pair(line.record.task, line.record.id), number);
    if (!is_new) {
      throw_bad_file(
          path, fmt::format("the record in line {} must be the only one of task {} and id {}, found them "
                            "in line {} too",
                            number, shown_name(line.record.task), shown_name(line.record.id), first->second));
    }
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
