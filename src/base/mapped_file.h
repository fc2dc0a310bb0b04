// A whole file mapped read-only. Movable; the mapping lives as long as the object. Thread safe to read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace longscroll {

class MappedFile {
 public:
  // Throws Error(kFile) when the path is missing, not a regular file, or cannot be mapped.
  // An empty file gives an empty span.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  void unmap() noexcept;

  std::filesystem::path path_;
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace longscroll
