#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "train/test_run.h"

namespace longscroll::train {
namespace {

using longscroll::test::TempFolder;
using test::expect_near;
using test::kSteps;
using test::run_small_task;
using test::RunResult;
using test::small_recipe;
using test::SmallTask;

// `stop_after`: steps after which the run is asked to stop; 0: never.
RunResult run(const Recipe& recipe, uint64_t stop_after = 0, bool resume = false) {
  Communicator alone;
  RunResult result = run_small_task(alone, recipe, stop_after, resume);
  EXPECT_EQ(result.end == RunEnd::kStopped, stop_after != 0);
  return result;
}

TEST(Trainer, LearnsAndIsTheSameEveryTime) {
  const TempFolder folder;
  const RunResult first = run(small_recipe(folder.path() / "a", 8, 64));
  const RunResult second = run(small_recipe(folder.path() / "b", 8, 64));
  EXPECT_LT(first.losses.back(), 0.9 * first.losses.front());
  EXPECT_EQ(first.weights, second.weights);
  EXPECT_EQ(first.losses, second.losses);
}

// The same 64 tokens as eight packs, two or one: sums in another order, and so float32's rounding. Each
// step's update is at most the learning rate, and Adam's quotient takes a relative error of 1e-6 to about as
// much.
TEST(Trainer, AveragesByTokenWhateverThePacking) {
  const TempFolder folder;
  const RunResult eight = run(small_recipe(folder.path() / "a", 8, 64));
  const RunResult two = run(small_recipe(folder.path() / "b", 32, 64));
  const RunResult one = run(small_recipe(folder.path() / "c", 64, 64));
  for (size_t step = 0; step < kSteps; ++step) {
    EXPECT_NEAR(eight.losses[step], one.losses[step], 2e-6);
    EXPECT_NEAR(two.losses[step], one.losses[step], 2e-6);
  }
  expect_near(eight.weights, one.weights, 5e-6f);
  expect_near(two.weights, one.weights, 5e-6f);
}

// As above: sums in another order.
TEST(Trainer, ComputesPacksTogetherToTheSameLossesAndWeights) {
  const TempFolder folder;
  const RunResult alone = run(small_recipe(folder.path() / "alone", 8, 64));
  for (const uint64_t micro_tokens : {16, 30, 64, 1000}) {  // 2, 3, 8 and 8 packs
    Recipe recipe = small_recipe(folder.path() / std::to_string(micro_tokens), 8, 64);
    recipe.batch.micro_tokens = micro_tokens;
    const RunResult together = run(recipe);
    for (size_t step = 0; step < kSteps; ++step)
      EXPECT_NEAR(together.losses[step], alone.losses[step], 2e-6) << micro_tokens;
    expect_near(together.weights, alone.weights, 5e-6f);
  }
}

TEST(Trainer, StoppedAnywhereAndResumedEndsAtTheSameBits) {
  const TempFolder folder;
  const RunResult whole = run(small_recipe(folder.path() / "whole", 8, 64));
  for (uint64_t stop_after = 1; stop_after < kSteps; ++stop_after) {
    const Recipe recipe = small_recipe(folder.path() / std::to_string(stop_after), 8, 64);
    const RunResult before = run(recipe, stop_after);
    const RunResult after = run(recipe, 0, /*resume=*/true);
    EXPECT_EQ(after.weights, whole.weights) << stop_after;
    EXPECT_EQ(before.losses.size() + after.losses.size(), kSteps);
  }
}

TEST(Trainer, KeepsTheNewestCheckpointsAndTheLast) {
  const TempFolder folder;
  Recipe recipe = small_recipe(folder.path() / "run", 8, 64);
  recipe.run.keep = 2;
  run(recipe);
  EXPECT_EQ(CheckpointFolder(folder.path() / "run/checkpoints").steps(), (std::vector<uint64_t>{9, 10}));
}

TEST(Trainer, EvaluatesBeforeTheFirstStepAsOftenAsAskedAndAtTheEnd) {
  const TempFolder folder;
  Recipe recipe = small_recipe(folder.path() / "run", 8, 64);
  recipe.evaluation.every = 4;
  SmallTask task(8);
  Communicator alone;
  Trainer trainer(task, alone, recipe, Stage::kPretrain, kSteps, 0);
  std::vector<uint64_t> evaluated;
  TrainerEvents events;
  events.evaluate = [&](uint64_t step) { evaluated.push_back(step); };
  trainer.run(events);
  EXPECT_EQ(evaluated, (std::vector<uint64_t>{0, 4, 8, 10}));
}

TEST(Trainer, NamesThePackWhoseLossIsNoNumberAndKeepsTheWeightsBeforeIt) {
  const TempFolder folder;
  for (const uint64_t micro_tokens : {0, 32}) {
    Recipe recipe = small_recipe(folder.path() / std::to_string(micro_tokens), 8, 64);
    recipe.batch.micro_tokens = micro_tokens;
    SmallTask task(8);
    task.broken_pack = 8 * 4 + 5;  // of the fifth step
    Communicator alone;
    Trainer trainer(task, alone, recipe, Stage::kPretrain, kSteps, 0);
    try {
      trainer.run({});
      FAIL() << "went on";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(),
                  testing::AllOf(testing::HasSubstr("step 5, pack 37"), testing::HasSubstr("text at 296")));
    }
    const std::vector<float> weights = task.values();
    EXPECT_TRUE(
        std::all_of(weights.begin(), weights.end(), [](float value) { return std::isfinite(value); }));
    EXPECT_EQ(trainer.steps_done(), 4u);
  }
}

TEST(Trainer, GoesOnOnlyWithTheSameCourseOfTraining) {
  const TempFolder folder;
  Recipe recipe = small_recipe(folder.path() / "run", 8, 64);
  run(recipe, 4);
  recipe.run.keep = 7;
  SmallTask task(8);
  Communicator alone;
  const auto checkpoint = folder.path() / "run/checkpoints/step-00000004";
  EXPECT_NO_THROW(Trainer(task, alone, recipe, Stage::kPretrain, kSteps, 0).resume(checkpoint));
  recipe.optimizer.beta2 = 0.9;
  SmallTask other(8);
  try {
    Trainer(other, alone, recipe, Stage::kPretrain, kSteps, 0).resume(checkpoint);
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("optimizer.beta2 was 0.95, is 0.9"));
  }
}

}  // namespace
}  // namespace longscroll::train
