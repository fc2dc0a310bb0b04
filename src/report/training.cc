#include "report/training.h"

#include <array>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/file_faults.h"
#include "formats/record_fields.h"

namespace longscroll::report {
namespace {

constexpr const char* kMetricsFile = "metrics.jsonl";
constexpr size_t kMostLineBytes = size_t{1} << 20;
constexpr std::array<const char*, 2> kMeasures = {"margin", "accuracy"};

TrainingStep step_of(const RecordFields& line) {
  TrainingStep step;
  step.step = line.count("step");
  step.tokens = line.count("tokens");
  step.loss = line.number("loss");
  step.learning_rate = line.number("learning_rate");
  step.gradient_norm = line.number("gradient_norm");
  step.tokens_per_second = line.number("tokens_per_second");
  for (const char* measure : kMeasures) {
    if (line.has_value(measure)) step.measures.emplace_back(measure, line.number(measure));
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
    const RecordFields line(json, path, fmt::format("entry in line {}", number));
    if (line.has_value("evaluation")) {
      const RecordFields evaluation = line.object("evaluation");
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
