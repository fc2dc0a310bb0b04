#include "formats/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "formats/file_faults.h"

namespace longscroll {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

// The rename is durable only when the directory is synced too; a file system that cannot is no fault.
void sync_directory_of(const std::filesystem::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const int fd = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  buffer_.reserve(kBufferBytes);
  // O_EXCL: never write into a file that another writer, or a stranger's link, put there.
  for (int attempt = 0; fd_ < 0; ++attempt) {
    temporary_ = path_;
    temporary_ += fmt::format(".tmp-{}-{}", ::getpid(), attempt);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0 && errno != EEXIST) {
      throw Error(ErrorKind::kFile, path_.string(),
                  fmt::format("must be writable, found: {}", std::strerror(errno)));
    }
  }
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* action) const {
  throw Error(ErrorKind::kResource, path_.string(),
              fmt::format("must be {} to disk, found: {}", action, std::strerror(errno)));
}

void AtomicFile::write_through(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("written");
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() > kBufferBytes) return write_through(bytes);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void AtomicFile::write_zeros(uint64_t count) {
  constexpr std::byte kZeros[64] = {};
  for (; count > sizeof(kZeros); count -= sizeof(kZeros)) write(kZeros);
  write(std::span(kZeros).first(count));
}

void AtomicFile::commit() {
  flush();
  if (::fsync(fd_) != 0) fail("synced");
  if (::close(std::exchange(fd_, -1)) != 0) fail("synced");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("renamed");
  temporary_.clear();
  sync_directory_of(path_);
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text)));
}

void write_tensor_data(AtomicFile& file, const TensorToWrite& tensor, uint64_t bytes) {
  const uint64_t start = file.size();
  tensor.produce([&](std::span<const std::byte> piece) { file.write(piece); });
  const uint64_t produced = file.size() - start;
  if (produced != bytes) {
    throw Error(ErrorKind::kArgument, fmt::format("tensor {}", shown_name(tensor.name)),
                fmt::format("data must be {} bytes long, {} were produced", bytes, produced));
  }
}

}  // namespace longscroll
