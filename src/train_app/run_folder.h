// The folder of a run, which one program at a time writes to.
#pragma once

#include <filesystem>

#include "formats/folder_lock.h"

namespace longscroll::train {

class RunFolder {
 public:
  // Creates it, and removes what writes that were interrupted left in it. Throws as FolderLock does.
  explicit RunFolder(const std::filesystem::path& path);

 private:
  FolderLock lock_;
};

// What lies in it (docs/formats/checkpoints.md).
inline constexpr const char* kModelFolder = "model";
inline constexpr const char* kRecipeFile = "recipe.toml";
inline constexpr const char* kMetricsFile = "metrics.jsonl";
inline constexpr const char* kReferenceFile = "reference.safetensors";

}  // namespace longscroll::train
