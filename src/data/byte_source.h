// The bytes of a file one after the other, taken out of gzip (RFC 1952) or Zstandard (RFC 8878) on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace longscroll::data {

// Memory does not grow with the file. Not thread safe. All of it throws Error(kFile), naming the file:
// missing, not readable, not what its name says, cut short, or with other bytes behind its end.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // How many bytes were put into `out`, which is not empty; 0 at the end.
  virtual size_t read(std::span<char> out) = 0;
  // Bytes of the file itself that were taken so far: for a progress line.
  virtual uint64_t position() const = 0;
};

// By the end of the name: .gz, .zst, otherwise as it is.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

// All of them. Throws Error(kFile) as above, and when they are more than `most`.
std::string read_bytes(const std::filesystem::path& path, uint64_t most);

}  // namespace longscroll::data
