// What `longscroll-train` is asked to do.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/config.h"
#include "train/recipe.h"

namespace longscroll::train {

struct TrainOptions {
  Stage stage = Stage::kPretrain;
  std::string recipe;
  std::vector<std::string> settings;  // KEY=VALUE
  bool plan = false;
  std::string machine;  // with plan: a known one; empty: this one
  bool resume = false;
  int threads = 0;  // 0: OMP_NUM_THREADS, else the cores that the process may use
};

// The recipe with the settings on top, checked.
Recipe load_recipe(const TrainOptions& options);

// What the recipe trains, from the head of the model's files: its weights may still be on their way.
ModelConfig planned_config(const Recipe& recipe, const std::filesystem::path& model);

// Shows what the run would need. Returns the exit code; throws Error(kResource) when it would not fit.
int show_plan(const TrainOptions& options);

// Trains, and exports the model to RUN/model. Returns the exit code: 128 + the signal that stopped it.
int train(const TrainOptions& options);

}  // namespace longscroll::train
