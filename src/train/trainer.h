// The training loop: batches of packs to steps of AdamW, over any number of processes, with checkpoints that
// a later run goes on from.
//
// A step is a function of the step's number, the recipe and the weights: its packs are those numbered
// [step · packs, (step + 1) · packs), shared out in turn among the processes; the loss is averaged over the
// targets of all of them.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "train/checkpoint_folder.h"
#include "train/communicator.h"
#include "train/flat_parameters.h"
#include "train/guards.h"
#include "train/recipe.h"
#include "train/schedule.h"
#include "train/sharded_adamw.h"
#include "train/step_report.h"
#include "train/task.h"
#include "train/training_state.h"

namespace longscroll::train {

struct TrainerEvents {
  std::function<void(const StepReport&)> step;  // process 0 alone
  // After a checkpoint is on disk; process 0 alone.
  std::function<void(uint64_t step, const std::filesystem::path&)> checkpoint;
  // Before the first step (with 0), as often as the recipe says, and after the last. Every process, at the
  // same step; may be collective.
  std::function<void(uint64_t step)> evaluate;
  // Asked between packs. When it is set on any process, the step under way is given up, the one before it is
  // saved, and run() ends.
  const std::atomic<bool>* stop = nullptr;
};

enum class RunEnd { kFinished, kStopped };

// Not thread safe; every process of a run has one and makes the same calls.
class Trainer {
 public:
  // Takes the task's parameters into one row (flat_parameters.h). `peak_rate`: operations a second of all
  // processes together, 0 if it is not known. What is referred to must outlive the trainer.
  Trainer(Task& task, Communicator& communicator, const Recipe& recipe, Stage stage, uint64_t total_steps,
          double peak_rate);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Goes on from a checkpoint. Throws Error(kFile) when it is damaged, Error(kArgument) when it is of another
  // stage, model or course of training.
  void resume(const std::filesystem::path& checkpoint);

  // Throws Error(kFile), naming the batch, when a loss or gradient is not a number or leaps: the weights are
  // those of the step before. Throws what reading packs and writing checkpoints do.
  RunEnd run(const TrainerEvents& events);

  uint64_t steps_done() const { return state_.step; }

 private:
  // Packs that are computed at once, as one.
  struct MicroBatch {
    std::vector<uint64_t> indices;
    data::Pack pack;
  };
  struct Batch {
    uint64_t first = 0;  // of all processes
    std::vector<MicroBatch> parts;
  };
  struct Sums;  // over the packs of a step

  Batch make_batch(uint64_t step) const;
  void prefetch(uint64_t step);
  std::optional<StepReport> step(const std::atomic<bool>* stop);
  uint64_t broken_pack(const MicroBatch& part);
  Sums forward_backward(const Batch& batch, uint64_t total_weight, const std::atomic<bool>* stop);
  void check_packs(const Batch& batch, uint64_t bad_pack_plus_one);
  void check_step(const Batch& batch, double loss, double norm);
  void save(const TrainerEvents& events);
  bool due(uint64_t every) const { return every != 0 && state_.step % every == 0; }

  Task& task_;
  Communicator& communicator_;
  Recipe recipe_;
  uint64_t total_steps_;
  uint64_t packs_per_step_;
  uint64_t packs_at_once_;
  double peak_rate_;
  Schedule schedule_;
  FlatParameters parameters_;
  ShardedAdamW optimizer_;
  StepGuard guard_;
  CheckpointFolder checkpoints_;
  TrainingState state_;
  std::optional<uint64_t> saved_step_;
  std::future<Batch> next_batch_;
  uint64_t steps_here_ = 0;  // since the program began
  double seconds_here_ = 0;
};

}  // namespace longscroll::train
