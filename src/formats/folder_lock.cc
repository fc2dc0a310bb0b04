#include "formats/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {

FolderLock::FolderLock(const std::filesystem::path& path, const std::string& hint) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (!failure) fd_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) {
    throw Error(ErrorKind::kFile, path.string(),
                fmt::format("must be a folder to write to, found: {}",
                            failure ? failure.message() : std::strerror(errno)));
  }
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(fd_);
    throw Error(ErrorKind::kArgument, path.string(), "must be written to by one run at a time, another does",
                hint);
  }
}

FolderLock::~FolderLock() {
  ::close(fd_);
}

}  // namespace longscroll
