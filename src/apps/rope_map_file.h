// `rope map` as JSON: what it prints, and what it goes on from.
#pragma once

#include <filesystem>

#include "apps/rope_map_run.h"

namespace longscroll {

inline constexpr const char* kMapFile = "map.json";

// What the numbers depend on, but for the cells; `sha256` of the model.
Json describe_map(const MapPlan& plan, const ModelOptions& options, const std::string& sha256);
Json describe_cells(const report::RopeMap& map);

// The cells of an earlier run into `map`. Throws Error(kFile) when the file is not such a map,
// Error(kArgument) naming what differs when it is one of something else.
void take_cells(const std::filesystem::path& path, const Json& described, report::RopeMap& map);

// What an ended run left, whatever it was of. Throws Error(kFile).
report::RopeMap read_map(const std::filesystem::path& path);

}  // namespace longscroll
