#include "hub/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace longscroll {
namespace fs = std::filesystem;

PartFile::PartFile(fs::path destination)
    : destination_(std::move(destination)), path_(destination_.string() + ".part") {
  std::error_code error;
  fs::create_directories(path_.parent_path(), error);
  if (error) {
    throw Error(
        ErrorKind::kResource, path_.parent_path().string(),
        fmt::format("must be a folder that can be written, and making it failed: {}", error.message()),
        "set LONGSCROLL_MODELS to another folder");
  }
  try {
    open_and_lock();
  } catch (...) {
    if (fd_ >= 0) ::close(fd_);
    throw;
  }
}

PartFile::~PartFile() {
  if (fd_ < 0) return;
  std::error_code ignored;
  if (size_ == 0) {
    fs::remove(path_, ignored);
    fs::remove(origin_path(), ignored);
  }
  ::close(fd_);
}

void PartFile::open_and_lock() {
  while (true) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_APPEND, 0644);
    if (fd_ < 0) fail("opening");
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) fail("locking");
      throw Error(ErrorKind::kResource, path_.string(), "must be free, and another process is downloading it",
                  "wait for that download, or stop it");
    }
    struct stat held {};
    struct stat named {};
    if (::fstat(fd_, &held) != 0) fail("looking at");
    // Between open and lock its last holder may have renamed it: then the name is free, or another file.
    if (::stat(path_.c_str(), &named) == 0 && named.st_ino == held.st_ino && named.st_dev == held.st_dev) {
      size_ = static_cast<uint64_t>(held.st_size);
      return;
    }
    ::close(fd_);
  }
}

void PartFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("writing");
    }
    size_ += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void PartFile::truncate(uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) fail("cutting");
  size_ = size;
}

std::string PartFile::origin() const {
  std::ifstream in(origin_path());
  std::string line;
  std::getline(in, line);
  return line;
}

void PartFile::set_origin(const std::string& line) {
  if (line.empty()) {
    std::error_code ignored;
    fs::remove(origin_path(), ignored);
  } else {
    std::ofstream(origin_path(), std::ios::trunc) << line << '\n';
  }
}

void PartFile::discard() {
  truncate(0);
  set_origin({});
}

void PartFile::commit() {
  if (::fsync(fd_) != 0) fail("saving");
  std::error_code error;
  fs::rename(path_, destination_, error);
  if (error) {
    throw Error(
        ErrorKind::kResource, destination_.string(),
        fmt::format("must be writable, and renaming {} to it failed: {}", path_.string(), error.message()));
  }
  set_origin({});
  ::close(fd_);
  fd_ = -1;
}

void PartFile::fail(const char* action) const {
  const int number = errno;
  throw Error(ErrorKind::kResource, path_.string(),
              fmt::format("must be writable, and {} it failed: {}", action, std::strerror(number)),
              number == ENOSPC ? "free some disk space, or set LONGSCROLL_MODELS to another folder" : "");
}

}  // namespace longscroll
