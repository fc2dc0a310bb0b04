// What a run needs to go on from a checkpoint: where it was, and the float32 weights and AdamW moments of
// each process (docs/formats/checkpoints.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "train/checkpoint_folder.h"
#include "train/communicator.h"
#include "train/flat_layout.h"

namespace longscroll::train {

struct TrainingState {
  uint64_t step = 0;         // steps done
  uint64_t tokens = 0;       // positions read
  uint64_t loss_weight = 0;  // targets (pt, sft) or pairs (dpo) that losses were averaged over
  std::string stage;
  std::string recipe;  // as write_recipe() gives it
  uint64_t processes = 1;
  uint64_t shard = 0;  // floats of each process
  std::vector<ParameterShape> parameters;
};

// One process's part, in the computer's memory.
struct StateShard {
  std::span<const float> weights;
  std::span<const float> exp_avg;
  std::span<const float> exp_avg_sq;
};

struct StateShardBuffers {
  std::span<float> weights;
  std::span<float> exp_avg;
  std::span<float> exp_avg_sq;
};

// Collective. Every process writes its shard and process 0 the rest, `save_model` among it, under a temporary
// name; when all of it is on disk it takes its own. Afterwards the newest `keep` remain. When it throws,
// earlier checkpoints are as they were, and all processes throw.
void write_checkpoint(Communicator& communicator, const CheckpointFolder& folder, const TrainingState& state,
                      const StateShard& shard, uint64_t keep,
                      const std::function<void(const std::filesystem::path&)>& save_model);

// Throws Error(kFile) when a file is missing, cut short or says what cannot be.
TrainingState read_training_state(const std::filesystem::path& checkpoint);

// The floats [begin, begin + buffers' size) of the row of all parameters, whatever number of processes wrote
// them; an empty buffer is skipped. What lies behind the end of what was written (padding) becomes 0.
void read_state_shard(const std::filesystem::path& checkpoint, const TrainingState& state, uint64_t begin,
                      const StateShardBuffers& buffers);

}  // namespace longscroll::train
