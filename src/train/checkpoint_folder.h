// The checkpoints of a run: folders "step-00000050" that are whole or not there
// (docs/formats/checkpoints.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace longscroll::train {

class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path path_of(uint64_t step) const;
  std::vector<uint64_t> steps() const;  // ascending; empty when there is no folder
  std::optional<uint64_t> newest() const;

  // Creates the folder, and removes what writes that were interrupted left in it. Throws Error(kFile).
  void prepare() const;

  // Removes all but the newest `count`. What cannot be removed stays.
  void keep_newest(uint64_t count) const;

 private:
  std::filesystem::path folder_;
};

// Those of the run whose folder this is.
inline CheckpointFolder checkpoints_of(const std::filesystem::path& run) {
  return CheckpointFolder(run / "checkpoints");
}

// Removes from `folder` what interrupted writes left of the files and directories with the names that `ours`
// knows: the temporary names of AtomicFile and AtomicDirectory. Nobody may be writing them.
void remove_leftovers(const std::filesystem::path& folder,
                      const std::function<bool(std::string_view name)>& ours);

// So that a renaming in it survives a loss of power. A file system that cannot is no fault.
void sync_directory(const std::filesystem::path& directory);

}  // namespace longscroll::train
