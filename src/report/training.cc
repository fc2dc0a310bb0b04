#include "report/training.h"

#include <array>
#include <cmath>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/file_faults.h"

namespace longscroll::report {
namespace {

constexpr const char* kMetricsFile = "metrics.jsonl";
constexpr size_t kMostLineBytes = size_t{1} << 20;
constexpr std::array<const char*, 2> kMeasures = {"margin", "accuracy"};

// The fields of one line, each checked.
class MetricsLine {
 public:
  MetricsLine(const nlohmann::json& json, const std::filesystem::path& path, size_t line)
      : json_(json), path_(path), line_(line) {}

  bool has(const char* key) const { return json_.contains(key); }
  double number(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end() || !found->is_number() || !std::isfinite(found->get<double>())) {
      fail(fmt::format("{} must be a finite number", key));
    }
    return found->get<double>();
  }
  uint64_t count(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end() || !found->is_number_unsigned())
      fail(fmt::format("{} must be a whole number", key));
    return found->get<uint64_t>();
  }
  MetricsLine object(const char* key) const {
    if (!json_.at(key).is_object()) fail(fmt::format("{} must be an object", key));
    return {json_.at(key), path_, line_};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw_bad_file(path_, fmt::format("line {}: {}, is not", line_, what));
  }

  const nlohmann::json& json_;
  const std::filesystem::path& path_;
  size_t line_;
};

TrainingStep step_of(const MetricsLine& line) {
  TrainingStep step;
  step.step = line.count("step");
  step.tokens = line.count("tokens");
  step.loss = line.number("loss");
  step.learning_rate = line.number("learning_rate");
  step.gradient_norm = line.number("gradient_norm");
  step.tokens_per_second = line.number("tokens_per_second");
  for (const char* measure : kMeasures) {
    if (line.has(measure)) step.measures.emplace_back(measure, line.number(measure));
  }
  return step;
}

}  // namespace

bool is_training_run(const std::filesystem::path& directory) {
  std::error_code failure;
  return std::filesystem::is_regular_file(directory / kMetricsFile, failure);
}

TrainingRun read_training_run(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kMetricsFile;
  std::ifstream file(path, std::ios::binary);
  TrainingRun run;
  const std::filesystem::path plain = directory.has_filename() ? directory : directory.parent_path();
  run.label = plain.filename().string();
  size_t number = 0;
  for (std::string text; std::getline(file, text);) {
    ++number;
    if (file.eof()) break;  // without its line end: cut short
    if (text.size() > kMostLineBytes)
      throw_bad_file(path, fmt::format("line {} must be below {} bytes", number, kMostLineBytes));
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) throw_bad_file(path, fmt::format("line {} must be a JSON object", number));
    const MetricsLine line(json, path, number);
    if (line.has("evaluation")) {
      const MetricsLine evaluation = line.object("evaluation");
      run.evaluations.push_back(
          {line.count("step"), evaluation.count("targets"), evaluation.number("perplexity")});
    } else {
      run.steps.push_back(step_of(line));
    }
  }
  if (run.steps.empty()) throw_bad_file(path, "must have a line of a step, has none");
  return run;
}

}  // namespace longscroll::report
