// FILE.part: a download under way. Held by one process at a time, kept when the download is cut so that the
// next one goes on from there, and renamed to FILE only when the caller has checked its hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace longscroll {

class PartFile {
 public:
  // Makes the folder and the file when missing. Throws Error(kResource) when they cannot be written, or when
  // another process holds the file.
  explicit PartFile(std::filesystem::path destination);
  ~PartFile();  // an empty part is removed
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const std::filesystem::path& destination() const { return destination_; }
  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const { return size_; }

  void append(std::span<const std::byte> bytes);
  void truncate(uint64_t size);

  // One line beside the part that says which version of the file its bytes are of; empty when none.
  std::string origin() const;
  void set_origin(const std::string& line);

  void discard();  // back to an empty part of unknown origin
  void commit();   // becomes the destination; the object is of no use after

 private:
  void open_and_lock();
  std::filesystem::path origin_path() const { return path_.string() + ".origin"; }
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path destination_;
  std::filesystem::path path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

}  // namespace longscroll
