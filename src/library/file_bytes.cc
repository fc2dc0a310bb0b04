#include "library/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what, std::string hint = {}) {
  throw Error(ErrorKind::kFile, path.string(), what, std::move(hint));
}

FileStamp stamp_of(const struct stat& info) {
  return {static_cast<uint64_t>(info.st_size),
          static_cast<int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec,
          static_cast<uint64_t>(info.st_ino)};
}

class Descriptor {
 public:
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  explicit Descriptor(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) fail(path, fmt::format("must be readable, found: {}", std::strerror(errno)));
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string read_all(int fd, const std::filesystem::path& path, uint64_t expected_size) {
  std::string bytes;
  bytes.reserve(expected_size);
  char buffer[1 << 16];
  while (bytes.size() <= kMaxDocumentBytes) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got == 0) return bytes;
    if (got > 0) {
      bytes.append(buffer, static_cast<size_t>(got));
    } else if (errno != EINTR) {
      fail(path, fmt::format("must be readable to its end, found: {}", std::strerror(errno)));
    }
  }
  fail(path, fmt::format("must be at most {} MiB, found more", kMaxDocumentBytes >> 20));
}

// nullopt: the file changed while it was read.
std::optional<FileBytes> try_read(const std::filesystem::path& path,
                                  const std::function<void()>& after_read) {
  const Descriptor file(path);
  const FileStamp before = stamp(path);
  if (before.size > kMaxDocumentBytes) {
    fail(path, fmt::format("must be at most {} MiB, found {} bytes", kMaxDocumentBytes >> 20, before.size));
  }
  std::string bytes = read_all(file.get(), path, before.size);
  if (after_read) after_read();
  struct stat opened {};
  if (::fstat(file.get(), &opened) != 0) fail(path, "must stay readable, found it gone");
  // The path may name another file by now: an editor that saves by renaming.
  if (stamp_of(opened) != before || stamp(path) != before || bytes.size() != before.size) return std::nullopt;
  return FileBytes{std::move(bytes), before};
}

}  // namespace

FileStamp stamp(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    fail(path, fmt::format("must be a readable file, found: {}", std::strerror(errno)));
  }
  if (S_ISDIR(info.st_mode)) fail(path, "must be a text file, found a directory");
  if (!S_ISREG(info.st_mode)) {
    fail(path, "must be a regular file, found a pipe or a device", "Save the text to a file first.");
  }
  return stamp_of(info);
}

FileBytes read_file_bytes(const std::filesystem::path& path, const std::function<void()>& after_read) {
  stamp(path);  // a clear message for directories and devices, before they are opened
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    if (std::optional<FileBytes> read = try_read(path, after_read)) return std::move(*read);
  }
  fail(path, fmt::format("must stay as it is while it is read, found it changed {} times", kReadAttempts),
       "Wait until the program that writes it has finished.");
}

}  // namespace longscroll
