// Zip archives and pickles built byte by byte, for this layer's tests only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/test_files.h"

namespace longscroll::test {

template <typename... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (out.append(std::string_view(parts)), ...);
  return out;
}

struct ZipFile {
  std::string name;
  std::string data;
  uint16_t method = 0;
  uint16_t flags = 0;
  std::optional<std::string> local_name = {};  // unless the same
  std::optional<uint32_t> header_offset = {};  // as the directory has it, unless true
  uint32_t extra_size = 0;                     // how much too large the directory says that the entry is
};

// A good archive unless a field is changed.
struct ZipParts {
  std::vector<ZipFile> files;
  std::optional<uint16_t> entries = {};
  std::optional<uint32_t> directory_offset = {};
  std::string comment = {};
  std::optional<std::string> zip64_records = {};  // between the directory and the end record

  std::string bytes() const {
    std::string out;
    std::string directory;
    for (const ZipFile& file : files) {
      const std::string local = file.local_name.value_or(file.name);
      const auto size = static_cast<uint32_t>(file.data.size()) + file.extra_size;
      const uint32_t offset = file.header_offset.value_or(static_cast<uint32_t>(out.size()));
      const std::string common = cat(u16(file.flags), u16(file.method), u32(0), u32(0), u32(size), u32(size));
      out += cat(u32(0x04034b50), u16(20), common, u16(static_cast<uint16_t>(local.size())), u16(0), local,
                 file.data);
      directory +=
          cat(u32(0x02014b50), u16(20), u16(20), common, u16(static_cast<uint16_t>(file.name.size())), u16(0),
              u16(0), u64(0), u32(offset), file.name);
    }
    const uint32_t offset = directory_offset.value_or(static_cast<uint32_t>(out.size()));
    const uint16_t count = entries.value_or(static_cast<uint16_t>(files.size()));
    return cat(out, directory, zip64_records.value_or(""), u32(0x06054b50), u32(0), u16(count), u16(count),
               u32(static_cast<uint32_t>(directory.size())), u32(offset),
               u16(static_cast<uint16_t>(comment.size())), comment);
  }
};

// ---- pickles: each gives the opcodes that leave one object on the stack ----------------------------

inline std::string pickle_global(std::string_view module, std::string_view name) {
  return cat("c", module, "\n", name, "\n");
}
inline std::string pickle_text(std::string_view text) {
  return cat("X", u32(static_cast<uint32_t>(text.size())), text);
}
inline std::string pickle_int(int32_t value) {
  return cat("J", little_endian(value));
}

inline std::string pickle_ints(const std::vector<int32_t>& values) {
  std::string out = "(";
  for (int32_t value : values) out += pickle_int(value);
  return out + "t";
}

inline std::string pickle_storage(std::string_view storage_class, std::string_view key, int32_t count) {
  return cat("(", pickle_text("storage"), pickle_global("torch", storage_class), pickle_text(key),
             pickle_text("cpu"), pickle_int(count), "tQ");
}

inline std::string pickle_tensor(const std::string& storage, int32_t offset,
                                 const std::vector<int32_t>& shape, const std::vector<int32_t>& strides) {
  return cat(pickle_global("torch._utils", "_rebuild_tensor_v2"), "(", storage, pickle_int(offset),
             pickle_ints(shape), pickle_ints(strides), "\x89}tR");
}

// The whole pickle of a dict; `items` are keys and values in turn.
inline std::string pickle_dict(const std::string& items) {
  return cat("\x80\x02}(", items, "u.");
}

// A .bin of one storage, data/0, and this pickle.
inline ZipParts torch_archive(std::string pickle, std::string storage = std::string(16, '\0')) {
  return {{{"archive/data.pkl", std::move(pickle)}, {"archive/data/0", std::move(storage)}}};
}

}  // namespace longscroll::test
