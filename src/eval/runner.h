// Puts a suite's items to a model and writes what comes of each, so that a run that was cut can go on. Not
// thread safe; one run at a time writes to a folder.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/language_model.h"
#include "eval/records.h"
#include "eval/run_order.h"
#include "eval/truncation.h"
#include "metrics/metric.h"

namespace longscroll {

struct RunPlan {
  std::vector<EvalItem> items;  // of the whole run, all shards' together
  Shard shard;
  Protocol protocol = Protocol::kOpenCompass;
  TruncationOptions truncation;
  nlohmann::ordered_json manifest;  // but for `items` and `state`, which the run sets
  std::filesystem::path out;
  bool resume = false;  // go on with what `out` holds
};

struct RunProgress {
  size_t items_done = 0, items = 0;  // of this shard, with those found by --resume
  std::string_view task;             // of the present item
  size_t tokens_done = 0;            // read by this process
  double share = 0;                  // of the text that this process has to read, 0 to 1
};

struct RunEvents {
  std::function<void(const RunProgress&)> on_progress;
  const std::atomic<bool>* cancel = nullptr;
};

struct RunResult {
  std::vector<RecordLine> records;  // all that the folder holds
  size_t found = 0;                 // of these, by --resume
  bool dropped_broken_line = false;
};

// Throws Error(kArgument) when `out` holds something and resume is not set, or another run's records;
// Error(kFile) for records that are broken before their last line; Error(kCancelled) after Ctrl-C; and what
// model and metric throw. What was written stays.
RunResult run_items(const RunPlan& plan, LanguageModel& model, const RunEvents& events);

}  // namespace longscroll
