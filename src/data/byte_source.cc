#include "data/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// zlib takes its input through a pointer to const only where it is asked to.
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "formats/file_faults.h"

namespace longscroll::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kInputBytes = size_t{1} << 17;

class PlainFile final : public ByteSource {
 public:
  // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
  explicit PlainFile(const fs::path& path)
      : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) throw_bad_file(path_, fmt::format("must be readable, found: {}", std::strerror(errno)));
    struct stat info {};
    if (::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) return;
    ::close(fd_);
    throw_bad_file(path_, "must be a regular file, found something else");
  }
  ~PlainFile() override { ::close(fd_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  size_t read(std::span<char> out) override {
    for (;;) {
      const ssize_t got = ::read(fd_, out.data(), out.size());
      if (got >= 0) {
        position_ += static_cast<uint64_t>(got);
        return static_cast<size_t>(got);
      }
      if (errno != EINTR) {
        throw_bad_file(path_, fmt::format("must be readable to its end, found: {}", std::strerror(errno)));
      }
    }
  }
  uint64_t position() const override { return position_; }

 private:
  fs::path path_;
  int fd_;
  uint64_t position_ = 0;
};

[[noreturn]] void throw_cut_short(const fs::path& path, const char* form) {
  throw_bad_file(path, fmt::format("must be a whole {} file, found its end too soon", form),
                 "an incomplete download or copy?");
}

// What both packed forms share: the file's own bytes, a piece at a time.
class PackedFile : public ByteSource {
 public:
  explicit PackedFile(const fs::path& path) : path_(path), file_(path), input_(kInputBytes) {}
  uint64_t position() const override { return file_.position(); }

 protected:
  // The next piece of the file; empty at its end.
  std::span<const char> next_input() { return {input_.data(), file_.read(input_)}; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  PlainFile file_;
  std::vector<char> input_;
};

// A file may be several members, one behind the other, as log writers and pigz make them.
class GzipFile final : public PackedFile {
 public:
  explicit GzipFile(const fs::path& path) : PackedFile(path) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~GzipFile() override { inflateEnd(&stream_); }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  size_t read(std::span<char> out) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    while (stream_.avail_out == out.size()) {
      if (stream_.avail_in == 0 && !refill()) return 0;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      in_member_ = result != Z_STREAM_END;
      if (result == Z_STREAM_END) {
        inflateReset(&stream_);
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        throw_bad_file(path(), fmt::format("must be gzip as its name says, found: {}",
                                           stream_.msg != nullptr ? stream_.msg : "damaged bytes"));
      }
    }
    return out.size() - stream_.avail_out;
  }

 private:
  bool refill() {
    const std::span<const char> input = next_input();
    if (input.empty() && in_member_) throw_cut_short(path(), "gzip");
    stream_.next_in = reinterpret_cast<const Bytef*>(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    return !input.empty();
  }

  z_stream stream_ = {};
  bool in_member_ = true;  // an empty file is no gzip file
};

class ZstdFile final : public PackedFile {
 public:
  explicit ZstdFile(const fs::path& path) : PackedFile(path), stream_(ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
  }

  size_t read(std::span<char> out) override {
    ZSTD_outBuffer output = {out.data(), out.size(), 0};
    while (output.pos == 0) {
      if (input_.pos == input_.size && !flushing_ && !refill()) return 0;
      const size_t result = ZSTD_decompressStream(stream_.get(), &output, &input_);
      if (ZSTD_isError(result)) {
        throw_bad_file(
            path(), fmt::format("must be Zstandard as its name says, found: {}", ZSTD_getErrorName(result)),
            "a frame packed with --long above 27 needs to be packed again");
      }
      in_frame_ = result != 0;
      // A full output may leave bytes inside the library that need no further input.
      flushing_ = in_frame_ && output.pos == output.size;
    }
    return output.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  bool refill() {
    const std::span<const char> input = next_input();
    if (input.empty() && in_frame_) throw_cut_short(path(), "Zstandard");
    input_ = {input.data(), input.size(), 0};
    return !input.empty();
  }

  std::unique_ptr<ZSTD_DStream, Free> stream_;
  ZSTD_inBuffer input_ = {nullptr, 0, 0};
  bool in_frame_ = true;
  bool flushing_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> open_bytes(const fs::path& path) {
  if (path.extension() == ".gz") return std::make_unique<GzipFile>(path);
  if (path.extension() == ".zst") return std::make_unique<ZstdFile>(path);
  return std::make_unique<PlainFile>(path);
}

std::string read_bytes(const fs::path& path, uint64_t most) {
  const std::unique_ptr<ByteSource> bytes = open_bytes(path);
  std::string all;
  std::vector<char> piece(size_t{1} << 18);
  while (const size_t got = bytes->read(piece)) {
    all.append(piece.data(), got);
    if (all.size() > most) {
      throw_bad_file(path, fmt::format("a document must be at most {} MiB, found more", most >> 20));
    }
  }
  return all;
}

}  // namespace longscroll::data
