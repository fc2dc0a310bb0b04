// The folder of a run, which one program at a time writes to.
#pragma once

#include <filesystem>

namespace longscroll::train {

class RunFolder {
 public:
  // Creates it, and removes what writes that were interrupted left in it. Throws Error(kFile) when it cannot
  // be written to, Error(kArgument) when another program holds it. The system frees it when this one ends,
  // however.
  explicit RunFolder(std::filesystem::path path);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

 private:
  int fd_ = -1;
};

// What lies in it (docs/formats/checkpoints.md).
inline constexpr const char* kModelFolder = "model";
inline constexpr const char* kRecipeFile = "recipe.toml";
inline constexpr const char* kMetricsFile = "metrics.jsonl";
inline constexpr const char* kReferenceFile = "reference.safetensors";

}  // namespace longscroll::train
