// What one step of training came to, for the line that people read and for metrics.jsonl
// (docs/formats/checkpoints.md).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace longscroll::train {

struct StepReport {
  uint64_t step = 0;  // steps done, this one too
  uint64_t total_steps = 0;
  uint64_t first_pack = 0;  // of the step's packs
  uint64_t packs = 0;
  uint64_t tokens = 0;       // positions read since the run began, padding left out
  uint64_t step_tokens = 0;  // of this step
  double loss = 0;           // mean over the step's targets (dpo: pairs), in nats
  double learning_rate = 0;
  double gradient_norm = 0;  // before clipping
  double seconds = 0;
  double tokens_per_second = 0;
  double peak_share = 0;     // of the machine's matrix rate, by the usual count of operations; 0: not known
  uint64_t peak_memory = 0;  // bytes, of process 0 so far: of a device where the weights are its
  double seconds_left = 0;   // as the steps since the program began went
  std::vector<std::pair<std::string, double>> measures;  // means over the step's targets or pairs
};

nlohmann::ordered_json to_json(const StepReport& report);

}  // namespace longscroll::train
