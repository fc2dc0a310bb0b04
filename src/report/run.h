// A run of `longscroll eval` as its two files tell it (docs/formats/eval-records.md), in the order of its
// tables.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "eval/manifest.h"
#include "eval/records.h"

namespace longscroll::report {

struct Run {
  std::filesystem::path directory;
  Manifest manifest;
  // By task as the manifest names them, within a task by id, runs of digits as numbers. That is the order of
  // the data, which evaluators with a bootstrap depend on, whatever the order in which items were asked.
  std::vector<EvalRecord> records;
  std::vector<std::string> remarks;  // what a reader of the page must know: not ended, one shard, ...

  // Whether every item that the run was to have is there; a limit makes a run partial too.
  bool partial() const;
};

// The mode in which a prompt was cut; empty: it was not.
std::string truncation_mode(const EvalRecord& record);

// Throws as read_manifest and read_records do, and Error(kFile) for more records than the manifest names. A
// run in state `running` may end in a broken line, which becomes a remark.
Run read_run(const std::filesystem::path& directory);

// Digits compare as numbers: "q2" before "q10".
bool natural_less(std::string_view a, std::string_view b);

}  // namespace longscroll::report
