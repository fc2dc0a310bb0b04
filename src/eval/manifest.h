// manifest.json: what a run is of. docs/formats/eval-records.md has the keys.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace longscroll {

inline constexpr int kManifestFormat = 1;

// Written whole or not at all, and synced. Throws Error(kFile), Error(kResource).
void write_manifest(const std::filesystem::path& run, const nlohmann::ordered_json& manifest);

// Throws Error(kFile) when it is missing, broken, of another format, or lacks a key.
nlohmann::json read_manifest(const std::filesystem::path& run);

// The first key of the manifest in which two runs differ, and how; empty when they are of the same thing.
// What cannot change a result is not compared: the machine, the state, and what `also_ignored` names.
std::string difference(const nlohmann::json& a, const nlohmann::json& b,
                       const std::vector<std::string>& also_ignored = {});

}  // namespace longscroll
