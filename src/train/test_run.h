// A run of the small task, for tests of the loop in one process and in many.
#pragma once

#include <atomic>
#include <vector>

#include <gtest/gtest.h>

#include "train/test_task.h"
#include "train/trainer.h"

namespace longscroll::train::test {

inline constexpr uint64_t kSteps = 10;  // small_recipe's

struct RunResult {
  std::vector<float> weights;
  std::vector<double> losses;  // on process 0 alone, as the norms
  std::vector<double> norms;
  RunEnd end = RunEnd::kFinished;
};

// `stop_after`: the step after which the run is asked to stop; 0: never.
inline RunResult run_small_task(Communicator& communicator, const Recipe& recipe, uint64_t stop_after,
                                bool resume = false) {
  SmallTask task(recipe.data.sequence_length);
  Trainer trainer(task, communicator, recipe, Stage::kPretrain, kSteps, 0);
  const CheckpointFolder checkpoints = checkpoints_of(recipe.run.out);
  if (resume) trainer.resume(checkpoints.path_of(*checkpoints.newest()));
  RunResult result;
  std::atomic<bool> stop = false;
  TrainerEvents events;
  events.stop = &stop;
  events.step = [&](const StepReport& report) {
    result.losses.push_back(report.loss);
    result.norms.push_back(report.gradient_norm);
    if (report.step == stop_after) stop = true;  // on process 0 alone: the others learn of it
  };
  result.end = trainer.run(events);
  result.weights = task.values();
  return result;
}

inline void expect_near(const std::vector<float>& a, const std::vector<float>& b, float tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << i;
}

}  // namespace longscroll::train::test
