// The bytes of a file as they were at one moment, and how to tell that it has changed since.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace longscroll {

// Two equal stamps: nobody wrote to or replaced the file in between, as far as the file system tells.
struct FileStamp {
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  uint64_t inode = 0;
  bool operator==(const FileStamp&) const = default;
};

// Throws Error(kFile) when the path is missing or not a regular file.
FileStamp stamp(const std::filesystem::path& path);

inline constexpr uint64_t kMaxDocumentBytes = uint64_t{256} << 20;  // far above any window; guards memory
inline constexpr int kReadAttempts = 3;

struct FileBytes {
  std::string bytes;
  FileStamp stamp;
};

// Reads the whole file; when it changed meanwhile, again, up to kReadAttempts times. Throws Error(kFile).
// `after_read` runs between reading and checking: a test's way to change the file just then.
FileBytes read_file_bytes(const std::filesystem::path& path, const std::function<void()>& after_read = {});

}  // namespace longscroll
