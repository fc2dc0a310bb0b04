// A file written beside its final name, then synced and renamed: readers see the old file or the whole
// new one, and an interrupted write leaves nothing under the final name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "formats/tensor.h"

namespace longscroll {

class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);  // throws Error(kFile) when it cannot be created
  ~AtomicFile();                                    // removes the temporary file unless committed
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Throws Error(kResource) when the disk does not take the bytes.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void write_zeros(uint64_t count);
  uint64_t size() const { return size_; }

  void commit();  // flush, sync, rename

 private:
  void flush();
  void write_through(std::span<const std::byte> bytes);
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::vector<std::byte> buffer_;
};

// The whole of a small file. Throws as AtomicFile does.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

// Lets `tensor.produce` write, and throws Error(kArgument) unless it gave exactly `bytes` bytes.
void write_tensor_data(AtomicFile& file, const TensorToWrite& tensor, uint64_t bytes);

}  // namespace longscroll
