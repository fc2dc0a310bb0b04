// GGUF v2 and v3, little-endian: reader over a mapped file, and writer (v3).
// Source: ggml's docs/gguf.md. docs/formats/gguf.md says what we read and check.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "formats/tensor.h"

namespace longscroll {

// Integers of every width are widened; arrays of arrays are refused.
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string, std::vector<int64_t>,
                               std::vector<double>, std::vector<bool>, std::vector<std::string>>;
using GgufMetadata = std::map<std::string, GgufValue, std::less<>>;

// Immutable but for drop_metadata(); safe to share between threads.
class GgufFile {
 public:
  // Throws Error(kFile) on anything that is not a whole, consistent GGUF file.
  explicit GgufFile(const std::filesystem::path& path);

  const GgufMetadata& metadata() const { return metadata_; }
  const std::vector<TensorView>& tensors() const { return tensors_; }
  const TensorView* find(std::string_view name) const;  // null when absent
  uint32_t version() const { return version_; }
  const std::filesystem::path& path() const { return file_.path(); }

  // Typed access. The optional forms give nullopt when the key is absent; all throw Error(kFile) naming
  // the key when the value has another type or does not fit.
  std::optional<uint64_t> get_uint(std::string_view key) const;
  std::optional<double> get_float(std::string_view key) const;  // integers widen
  std::optional<bool> get_bool(std::string_view key) const;
  std::optional<std::string> get_string(std::string_view key) const;
  const std::vector<std::string>* get_strings(std::string_view key) const;  // null when absent
  std::optional<std::vector<int64_t>> get_ints(std::string_view key) const;
  std::optional<std::vector<double>> get_floats(std::string_view key) const;

  // Gives its memory back (a vocabulary takes tens of MiB); from then on no key is there.
  void drop_metadata() { metadata_.clear(); }

 private:
  MappedFile file_;
  uint32_t version_ = 0;
  GgufMetadata metadata_;
  std::vector<TensorView> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
};

// Writes to a temporary name beside `path`, syncs and renames: an interrupted write leaves nothing.
// uint64_t values that fit are written as UINT32, doubles as FLOAT32, vector<int64_t> as INT32 and
// vector<double> as FLOAT32 arrays, as llama.cpp expects them.
void write_gguf(const std::filesystem::path& path, const GgufMetadata& metadata,
                const std::vector<TensorToWrite>& tensors);

}  // namespace longscroll
