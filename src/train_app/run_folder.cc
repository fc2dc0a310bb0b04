#include "train_app/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "train/checkpoint_folder.h"

namespace longscroll::train {
namespace {

bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames = {kModelFolder, kRecipeFile, kMetricsFile,
                                                      kReferenceFile};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

RunFolder::RunFolder(std::filesystem::path path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (!failure) fd_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) {
    throw Error(ErrorKind::kFile, path.string(),
                fmt::format("must be a folder to write to, found: {}",
                            failure ? failure.message() : std::strerror(errno)));
  }
  // A file system without locks is no reason not to train.
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(fd_);
    throw Error(ErrorKind::kArgument, path.string(), "must be written to by one run at a time, another does",
                "wait for it, or name another folder by run.out");
  }
  remove_leftovers(path, is_ours);
}

RunFolder::~RunFolder() {
  ::close(fd_);
}

}  // namespace longscroll::train
