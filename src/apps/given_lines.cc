#include "apps/given_lines.h"

#include <cstdlib>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/file_faults.h"
#include "formats/strict_json.h"

namespace longscroll {
namespace {

constexpr int kMaxDepth = 16;

[[noreturn]] void throw_bad_line(const GivenLine& line, const std::string& what) {
  throw Error(ErrorKind::kFile, line.where, what);
}

const nlohmann::json& value_of(const GivenLine& line, const char* key) {
  const auto found = line.json.find(key);
  if (found == line.json.end()) throw_bad_line(line, fmt::format("must have '{}', found none", key));
  return *found;
}

bool has_prediction(const nlohmann::json& json) {
  if (json.contains("prediction")) return true;
  for (const auto& [key, value] : json.items()) {
    if (key.find("_pred") != std::string::npos) return true;
  }
  return false;
}

GivenForm form_of(const GivenLine& line, bool has_metric) {
  const nlohmann::json& json = line.json;
  const auto has = [&](const char* key) { return json.contains(key); };
  if (has("pred") && has("answers")) return GivenForm::kLongBenchFile;
  if (has("kind") && has("gt")) return GivenForm::kLEvalCase;
  if (has("gold") && has("prediction")) return GivenForm::kNeedleCase;
  if (has("gt") && has_prediction(json)) return GivenForm::kLEvalFile;
  if (has("prediction") && has("references")) {
    if (!has_metric && has("metric") && text_of(line, "metric").ends_with("_score"))
      return GivenForm::kLongBenchCase;
    if (has_metric || has("metric")) return GivenForm::kRecord;
  }
  if (has("text") && has("id")) return GivenForm::kJiebaCase;
  throw_bad_line(
      line,
      "must be a metric case, a line of LongBench's or L-Eval's predictions or a record, found none "
      "of their keys");
}

// What must not be there twice; empty where lines have no name.
std::string name_of(const GivenLine& line, GivenForm form) {
  if (!line.json.contains("id")) return {};
  const nlohmann::json& id = line.json["id"];
  if (!id.is_string() && !id.is_number_integer()) {
    throw_bad_line(line,
                   fmt::format("must have an id that is a string or a number, found {}", id.type_name()));
  }
  std::string name = id.dump();
  if (form == GivenForm::kRecord && line.json.contains("task")) name += " of " + text_of(line, "task");
  return name;
}

}  // namespace

GivenFile read_given_file(const std::string& path, bool has_metric) {
  const MappedFile mapped(path);
  const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
  GivenFile file{.path = path, .form = GivenForm::kRecord, .lines = {}};
  std::set<std::string> names;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string part = fmt::format("line {}", ++number);
    GivenLine line{fmt::format("{}:{}", path, number), nullptr};
    line.json = parse_strict_json(text.substr(begin, end - begin), path, part, kMaxDepth);
    begin = end + 1;
    if (!line.json.is_object()) {
      throw_bad_line(line, fmt::format("must be a JSON object, found {}", line.json.type_name()));
    }
    const GivenForm form = form_of(line, has_metric);
    if (file.lines.empty()) file.form = form;
    if (form != file.form) throw_bad_line(line, "must have the keys of the lines before it, found others");
    const std::string name = name_of(line, form);
    if (!name.empty() && !names.insert(name).second) {
      throw_bad_line(line, fmt::format("must have an id of its own, found {} again", shown_name(name)));
    }
    file.lines.push_back(std::move(line));
  }
  if (file.lines.empty()) throw Error(ErrorKind::kFile, path, "must have a line at least, found none");
  return file;
}

std::string text_of(const GivenLine& line, const char* key) {
  const nlohmann::json& value = value_of(line, key);
  if (!value.is_string()) {
    throw_bad_line(line, fmt::format("must have a string as '{}', found {}", key, value.type_name()));
  }
  return value.get<std::string>();
}

std::vector<std::string> texts_of(const GivenLine& line, const char* key) {
  const nlohmann::json& values = value_of(line, key);
  if (!values.is_array()) {
    throw_bad_line(line, fmt::format("must have a list as '{}', found {}", key, values.type_name()));
  }
  std::vector<std::string> texts;
  for (const nlohmann::json& value : values) {
    if (!value.is_string()) {
      throw_bad_line(line, fmt::format("must have strings in '{}', found {}", key, value.type_name()));
    }
    texts.push_back(value.get<std::string>());
  }
  return texts;
}

std::vector<std::string> texts_or_none(const GivenLine& line, const char* key) {
  if (!line.json.contains(key) || line.json[key].is_null()) return {};
  return texts_of(line, key);
}

ItemScore score_line(const GivenLine& line, const Metric& metric, const Answered& item) {
  try {
    return metric.score(item);
  } catch (const Error& fault) {
    throw_bad_line(line, fault.what());
  }
}

std::string task_of_path(const std::string& path, const std::vector<std::string>& known) {
  const std::string name = std::filesystem::path(path).filename().string();
  std::string task;
  for (const std::string& candidate : known) {
    if (candidate.size() > task.size() && name.find(candidate) != std::string::npos) task = candidate;
  }
  if (task.empty()) {
    throw Error(ErrorKind::kArgument, path,
                fmt::format("must be named for one of {}", fmt::join(known, ", ")),
                "Name the task by --task.");
  }
  return task;
}

double rounded(double value, int digits) {
  return std::strtod(fmt::format("{:.{}f}", value, digits).c_str(), nullptr);
}

}  // namespace longscroll
