// Files built byte by byte, for this layer's tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/test_folder.h"
#include "formats/tensor.h"

namespace longscroll::test {

template <typename T>
std::string little_endian(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

inline std::string u8(uint8_t value) {
  return little_endian(value);
}
inline std::string u16(uint16_t value) {
  return little_endian(value);
}
inline std::string u32(uint32_t value) {
  return little_endian(value);
}
inline std::string u64(uint64_t value) {
  return little_endian(value);
}
inline std::string f32(float value) {
  return little_endian(value);
}

inline std::string to_string(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<float> floats_of(std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

// A tensor whose bytes are handed over in pieces of at most `piece` bytes.
inline TensorToWrite tensor_of(std::string name, DType dtype, std::vector<uint64_t> shape, std::string bytes,
                               size_t piece = 1000) {
  auto produce = [bytes = std::move(bytes), piece](const auto& sink) {
    const auto all = std::as_bytes(std::span(bytes));
    for (size_t at = 0; at < all.size(); at += piece) sink(all.subspan(at, std::min(piece, all.size() - at)));
  };
  return {std::move(name), dtype, std::move(shape), std::move(produce)};
}

inline size_t files_in(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

// ---- GGUF by hand -------------------------------------------------------------------------------

inline std::string gguf_string(std::string_view text) {
  return u64(text.size()) + std::string(text);
}

inline std::string gguf_entry(std::string_view key, uint32_t type, const std::string& value) {
  return gguf_string(key) + u32(type) + value;
}

struct GgufTensor {
  std::string name;
  std::vector<uint64_t> dims;  // innermost first, as the file has them
  uint32_t type = 0;
  uint64_t offset = 0;
};

// A good file unless a field is changed; counts follow the lists unless given.
struct GgufParts {
  std::string magic = "GGUF";
  uint32_t version = 3;
  std::vector<std::string> entries = {gguf_entry("general.architecture", 8, gguf_string("llama")),
                                      gguf_entry("n", 4, u32(7))};
  std::vector<GgufTensor> tensors = {{"a", {3, 2}, 0, 0}, {"b", {32}, 8, 32}};
  std::string data = f32(0) + f32(1) + f32(2) + f32(3) + f32(4) + f32(5) + std::string(8, '\0') +
                     std::string("\x00\x3c", 2) + std::string(32, '\x02');
  uint64_t alignment = 32;
  uint64_t tensor_count = UINT64_MAX;
  uint64_t entry_count = UINT64_MAX;

  std::string bytes() const {
    std::string out = magic + u32(version);
    out += u64(tensor_count == UINT64_MAX ? tensors.size() : tensor_count);
    out += u64(entry_count == UINT64_MAX ? entries.size() : entry_count);
    for (const std::string& entry : entries) out += entry;
    for (const GgufTensor& tensor : tensors) {
      out += gguf_string(tensor.name) + u32(static_cast<uint32_t>(tensor.dims.size()));
      for (uint64_t dim : tensor.dims) out += u64(dim);
      out += u32(tensor.type) + u64(tensor.offset);
    }
    out.resize((out.size() + alignment - 1) / alignment * alignment, '\0');
    return out + data;
  }
};

// ---- safetensors by hand ------------------------------------------------------------------------

inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  return u64(header.size()) + std::string(header) + std::string(data);
}

}  // namespace longscroll::test
