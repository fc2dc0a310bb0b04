// A run of `longscroll eval` as its two files tell it (docs/formats/eval-records.md), checked.
// The files come from outside: sizes, types, ranges and UTF-8 are tested before anything is used.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "metrics/metric.h"

namespace longscroll::report {

struct Record {
  std::string task;
  std::string id;
  std::string prompt_sha256;
  uint64_t prompt_tokens = 0;   // read by the model
  uint64_t dropped_tokens = 0;  // left out before that
  std::string truncation;       // the mode; empty: nothing was left out
  std::string prediction;
  std::string finish;
  std::vector<double> choice_log_likelihoods;  // nats; likelihood tasks only
  std::vector<uint64_t> choice_tokens;         // that each of these is a sum over
  std::vector<std::string> references;
  std::string metric;
  bool scored =
      true;  // false: the earlier part of a question, scored with the later one; no metric, no score
  ItemScore score;
  nlohmann::json fields;  // an object
  uint64_t generated_tokens = 0;
  uint64_t reused_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

struct ManifestData {
  std::string file;
  uint64_t items = 0;
};

struct Manifest {
  std::string label;
  std::string suite;
  Protocol protocol = Protocol::kOpenCompass;
  std::vector<std::string> tasks;
  std::optional<uint64_t> limit;  // items of each task that were asked at most
  uint64_t shard_index = 0;
  uint64_t shard_count = 1;
  std::vector<ManifestData> data;
  uint64_t items = 0;  // of all shards together
  bool running = false;
  nlohmann::json json;  // the file as it is
};

struct Run {
  std::filesystem::path directory;
  Manifest manifest;
  // By task as the manifest names them, within a task by id, runs of digits as numbers. That is the order of
  // the data, which evaluators with a bootstrap depend on, whatever the order in which items were asked.
  std::vector<Record> records;
  std::vector<std::string> remarks;  // what a reader of the page must know: not ended, one shard, ...

  // Whether every item that the run was to have is there; a limit makes a run partial too.
  bool partial() const;
};

// Throws Error(kFile), naming file and line, for whatever is missing, of a wrong type or out of range. Keys
// that it does not know are ignored. A run in state `running` may end in a broken line, which becomes a
// remark.
Run read_run(const std::filesystem::path& directory);

// Digits compare as numbers: "q2" before "q10".
bool natural_less(std::string_view a, std::string_view b);

}  // namespace longscroll::report
