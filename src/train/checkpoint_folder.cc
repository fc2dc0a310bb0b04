#include "train/checkpoint_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";

// nullopt for every name that path_of() does not make, unfinished ones ("step-00000050.tmp-12-0") among them.
std::optional<uint64_t> step_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kPrefix.size());
  uint64_t step = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  if (failure != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return fmt::format("{}{:08}", kPrefix, step) == name ? std::optional(step) : std::nullopt;
}

}  // namespace

fs::path CheckpointFolder::path_of(uint64_t step) const {
  return folder_ / fmt::format("{}{:08}", kPrefix, step);
}

std::vector<uint64_t> CheckpointFolder::steps() const {
  std::vector<uint64_t> steps;
  std::error_code failure;
  for (fs::directory_iterator entry(folder_, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const auto step = step_of(entry->path().filename().string());
    if (step && entry->is_directory()) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::optional<uint64_t> CheckpointFolder::newest() const {
  const std::vector<uint64_t> all = steps();
  return all.empty() ? std::nullopt : std::optional(all.back());
}

void CheckpointFolder::prepare() const {
  std::error_code failure;
  fs::create_directories(folder_, failure);
  if (failure) {
    throw Error(ErrorKind::kFile, folder_.string(), "must be writable, found: " + failure.message());
  }
  remove_leftovers(folder_, [](std::string_view name) { return step_of(name).has_value(); });
}

void CheckpointFolder::keep_newest(uint64_t count) const {
  const std::vector<uint64_t> all = steps();
  for (size_t i = 0; i + count < all.size(); ++i) {
    // First out of sight, so that a removal that is interrupted leaves no half checkpoint under its name.
    const fs::path path = path_of(all[i]);
    fs::path hidden = path;
    hidden += fmt::format(".old-{}-0", ::getpid());
    std::error_code failure;
    fs::rename(path, hidden, failure);
    if (!failure) fs::remove_all(hidden, failure);
  }
}

void remove_leftovers(const fs::path& folder, const std::function<bool(std::string_view name)>& ours) {
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    for (const char* mark : {".tmp-", ".old-"}) {
      const size_t end = name.rfind(mark);
      if (end != std::string::npos && ours(std::string_view(name).substr(0, end)))
        leftovers.push_back(entry.path());
    }
  }
  std::error_code failure;
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover, failure);
}

void sync_directory(const fs::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

}  // namespace longscroll::train
