#include "formats/atomic_directory.h"

#include <unistd.h>

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

// "out/" and "out" name the same directory, but only the second has a name to put a suffix on.
std::filesystem::path without_slash(const std::filesystem::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

std::filesystem::path beside(const std::filesystem::path& path, const char* what, int attempt) {
  std::filesystem::path name = path;
  name += fmt::format(".{}-{}-{}", what, ::getpid(), attempt);
  return name;
}

}  // namespace

AtomicDirectory::AtomicDirectory(const std::filesystem::path& path) : path_(without_slash(path)) {
  for (int attempt = 0; temporary_.empty(); ++attempt) {
    const auto candidate = beside(path_, "tmp", attempt);
    std::error_code failure;
    if (std::filesystem::create_directory(candidate, failure)) {
      temporary_ = candidate;
    } else if (failure) {
      throw Error(ErrorKind::kFile, path_.string(),
                  fmt::format("must be writable, found: {}", failure.message()));
    }
  }
}

AtomicDirectory::~AtomicDirectory() {
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

void AtomicDirectory::commit() {
  std::filesystem::path old;
  std::error_code failure;
  if (std::filesystem::exists(path_)) {
    for (int attempt = 0; old.empty() || std::filesystem::exists(old); ++attempt) {
      old = beside(path_, "old", attempt);
    }
    std::filesystem::rename(path_, old, failure);
  }
  if (!failure) {
    std::filesystem::rename(temporary_, path_, failure);
    std::error_code ignored;
    if (failure && !old.empty()) std::filesystem::rename(old, path_, ignored);
  }
  if (failure) {
    throw Error(ErrorKind::kResource, path_.string(),
                fmt::format("must take the place of the finished directory, found: {}", failure.message()));
  }
  temporary_.clear();
  std::error_code ignored;
  if (!old.empty()) std::filesystem::remove_all(old, ignored);
}

}  // namespace longscroll
