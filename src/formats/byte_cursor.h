// Reads little-endian fields one after the other from a file's bytes; a field that runs past the end is
// the file's fault, said with the field's name.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "formats/file_faults.h"

namespace longscroll {

static_assert(std::endian::native == std::endian::little, "files are read and written without byte swaps");

class ByteCursor {
 public:
  // `path` must outlive the cursor.
  ByteCursor(std::span<const std::byte> bytes, const std::filesystem::path& path, uint64_t position = 0)
      : bytes_(bytes), path_(path), position_(position) {}

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return position_ < bytes_.size() ? bytes_.size() - position_ : 0; }

  std::span<const std::byte> take(uint64_t count, std::string_view field) {
    if (position_ > bytes_.size() || count > remaining()) {
      throw_bad_file(path_,
                     fmt::format("{} must lie inside the file, found {} bytes at {} with {} left: truncated?",
                                 field, count, position_, remaining()));
    }
    const auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  template <typename T>
  T read(std::string_view field) {
    T value;
    std::memcpy(&value, take(sizeof(T), field).data(), sizeof(T));
    return value;
  }

  std::string_view take_text(uint64_t count, std::string_view field) {
    const auto taken = take(count, field);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  // All that is left, without taking it.
  std::string_view peek_text() const {
    const auto rest = bytes_.subspan(bytes_.size() - remaining());
    return {reinterpret_cast<const char*>(rest.data()), rest.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  const std::filesystem::path& path_;
  uint64_t position_;
};

}  // namespace longscroll
