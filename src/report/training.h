// A run of longscroll-train as its metrics.jsonl tells it (docs/formats/checkpoints.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace longscroll::report {

struct TrainingStep {
  uint64_t step = 0;  // steps done
  uint64_t tokens = 0;
  double loss = 0;
  double learning_rate = 0;
  double gradient_norm = 0;
  double tokens_per_second = 0;
  std::vector<std::pair<std::string, double>> measures;  // of dpo: margin, accuracy
};

struct TrainingEvaluation {
  uint64_t step = 0;
  uint64_t targets = 0;
  double perplexity = 0;
};

struct TrainingRun {
  std::string label;  // the folder's name
  std::vector<TrainingStep> steps;
  std::vector<TrainingEvaluation> evaluations;
};

bool is_training_run(const std::filesystem::path& directory);

// Throws Error(kFile), naming the line, when one is not what longscroll-train writes, or when there is none.
// A last line that was cut short, of a run that goes on, is left out.
TrainingRun read_training_run(const std::filesystem::path& directory);

}  // namespace longscroll::report
