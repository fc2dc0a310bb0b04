// metrics.jsonl: a line for each step and each evaluation of a run (docs/formats/checkpoints.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

namespace longscroll::train {

class MetricsLog {
 public:
  // Goes on with what is there up to step `steps_done`; later lines are of steps that will be made again
  // (with 0, all of them: those of step 0 too, before the first step), and a line that was cut short is of
  // none. Throws Error(kFile), Error(kResource).
  MetricsLog(const std::filesystem::path& path, uint64_t steps_done);

  // `line` has the number of steps done as "step". Throws Error(kResource) when the disk does not take it.
  void append(const nlohmann::ordered_json& line);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace longscroll::train
