#include "train_app/run_folder.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "train/checkpoint_folder.h"

namespace longscroll::train {
namespace {

bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames = {kModelFolder, kRecipeFile, kMetricsFile,
                                                      kReferenceFile};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

RunFolder::RunFolder(const std::filesystem::path& path)
    : lock_(path, "wait for it, or name another folder by run.out") {
  remove_leftovers(path, is_ours);
}

}  // namespace longscroll::train
