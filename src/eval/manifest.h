// manifest.json: what a run is of. docs/formats/eval-records.md has the keys.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "eval/run_order.h"
#include "metrics/metric.h"

namespace longscroll {

inline constexpr int kManifestFormat = 1;

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
  Shard shard;
  std::vector<ManifestData> data;
  uint64_t items = 0;  // of all shards together
  bool running = false;
  nlohmann::json json;  // the file as it is
};

// Written whole or not at all, and synced. Throws Error(kFile), Error(kResource).
void write_manifest(const std::filesystem::path& run, const nlohmann::ordered_json& manifest);

// Throws Error(kFile) when it is missing, or a key of it is missing, of a wrong type or out of range, and
// Error(kUnsupported) when it is of another format. Keys that it does not know are ignored.
Manifest read_manifest(const std::filesystem::path& run);

// The first key of the manifest in which two runs differ, and how; empty when they are of the same thing.
// What cannot change a result is not compared: the machine, the state, and what `also_ignored` names.
std::string difference(const nlohmann::json& a, const nlohmann::json& b,
                       const std::vector<std::string>& also_ignored = {});

}  // namespace longscroll
