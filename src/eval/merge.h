// Shards of one run, put together again.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "eval/records.h"

namespace longscroll {

// Writes to `out` the run that all its shards make: the same records in the same order as of a run that was
// never split. Throws Error(kArgument) when one is missing, doubled, incomplete or of another run, or when
// `out` is there; Error(kFile) for records that are broken.
std::vector<RecordLine> merge_runs(std::span<const std::filesystem::path> runs,
                                   const std::filesystem::path& out);

}  // namespace longscroll
