#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/checked_math.h"
#include "base/error.h"
#include "formats/atomic_file.h"
#include "formats/file_faults.h"
#include "formats/gguf.h"
#include "formats/gguf_layout.h"

namespace longscroll {
namespace {

using gguf::ValueType;

constexpr uint32_t kVersion = 3;
constexpr size_t kLongestName = 63;  // llama.cpp refuses longer tensor names

[[noreturn]] void refuse_to_write(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::kArgument, where, what);
}

template <typename T>
void put(AtomicFile& file, T value) {
  file.write(std::as_bytes(std::span(&value, 1)));
}

void put_type(AtomicFile& file, ValueType type) {
  put(file, static_cast<uint32_t>(type));
}

void put_string(AtomicFile& file, std::string_view text) {
  put(file, uint64_t{text.size()});
  file.write(text);
}

void put_array_head(AtomicFile& file, ValueType element, size_t count) {
  put_type(file, ValueType::kArray);
  put_type(file, element);
  put(file, uint64_t{count});
}

template <typename Narrow, typename Wide>
bool fits(Wide value) {
  return std::in_range<Narrow>(value);
}

// One overload for each alternative of GgufValue: type and value.
struct ValueWriter {
  AtomicFile& file;

  void operator()(uint64_t value) const {
    if (fits<uint32_t>(value)) {
      put_type(file, ValueType::kUint32);
      put(file, static_cast<uint32_t>(value));
    } else {
      put_type(file, ValueType::kUint64);
      put(file, value);
    }
  }
  void operator()(int64_t value) const {
    if (fits<int32_t>(value)) {
      put_type(file, ValueType::kInt32);
      put(file, static_cast<int32_t>(value));
    } else {
      put_type(file, ValueType::kInt64);
      put(file, value);
    }
  }
  void operator()(double value) const {
    put_type(file, ValueType::kFloat32);
    put(file, static_cast<float>(value));
  }
  void operator()(bool value) const {
    put_type(file, ValueType::kBool);
    put(file, static_cast<uint8_t>(value));
  }
  void operator()(const std::string& value) const {
    put_type(file, ValueType::kString);
    put_string(file, value);
  }
  void operator()(const std::vector<int64_t>& values) const {
    const bool narrow = std::ranges::all_of(values, [](int64_t value) { return fits<int32_t>(value); });
    put_array_head(file, narrow ? ValueType::kInt32 : ValueType::kInt64, values.size());
    for (int64_t value : values) narrow ? put(file, static_cast<int32_t>(value)) : put(file, value);
  }
  void operator()(const std::vector<double>& values) const {
    put_array_head(file, ValueType::kFloat32, values.size());
    for (double value : values) put(file, static_cast<float>(value));
  }
  void operator()(const std::vector<bool>& values) const {
    put_array_head(file, ValueType::kBool, values.size());
    for (bool value : values) put(file, static_cast<uint8_t>(value));
  }
  void operator()(const std::vector<std::string>& values) const {
    put_array_head(file, ValueType::kString, values.size());
    for (const std::string& value : values) put_string(file, value);
  }
};

uint64_t alignment_of(const GgufMetadata& metadata) {
  const auto found = metadata.find(gguf::kAlignmentKey);
  if (found == metadata.end()) return gguf::kDefaultAlignment;
  const auto* alignment = std::get_if<uint64_t>(&found->second);
  if (alignment == nullptr || !std::has_single_bit(*alignment)) {
    refuse_to_write(std::string(gguf::kAlignmentKey),
                    "must be an unsigned power of two, found something else");
  }
  return *alignment;
}

uint64_t bytes_of(const TensorToWrite& tensor) {
  const std::string where = "tensor " + shown_name(tensor.name);
  if (tensor.name.empty() || tensor.name.size() > kLongestName) {
    refuse_to_write(where,
                    fmt::format("name must have 1 to {} bytes, found {}", kLongestName, tensor.name.size()));
  }
  if (tensor.shape.empty() || tensor.shape.size() > gguf::kMaxDims) {
    refuse_to_write(
        where, fmt::format("must have 1 to {} dimensions, found {}", gguf::kMaxDims, tensor.shape.size()));
  }
  if (std::ranges::count(tensor.shape, 0u) > 0)
    refuse_to_write(where, "must have no dimension of size 0, found one");
  const DTypeInfo& info = dtype_info(tensor.dtype);
  if (tensor.shape.back() % info.block_elems != 0) {
    refuse_to_write(where, fmt::format("must have rows of whole {} blocks of {}, found rows of {}", info.name,
                                       info.block_elems, tensor.shape.back()));
  }
  const auto elements = checked_product(tensor.shape);
  const auto bytes = elements ? dtype_bytes(tensor.dtype, *elements) : std::nullopt;
  if (!bytes) refuse_to_write(where, "must have a size that fits 64 bits, found a larger one");
  return *bytes;
}

std::vector<uint64_t> check_and_measure(const std::vector<TensorToWrite>& tensors) {
  std::set<std::string_view> names;
  std::vector<uint64_t> sizes;
  for (const TensorToWrite& tensor : tensors) {
    sizes.push_back(bytes_of(tensor));
    if (!names.insert(tensor.name).second) {
      refuse_to_write("tensor " + shown_name(tensor.name), "must be written once, found it twice");
    }
  }
  return sizes;
}

void put_tensor_info(AtomicFile& file, const TensorToWrite& tensor, uint64_t offset) {
  put_string(file, tensor.name);
  put(file, static_cast<uint32_t>(tensor.shape.size()));
  for (auto dim = tensor.shape.rbegin(); dim != tensor.shape.rend(); ++dim) put(file, *dim);
  put(file, gguf::tensor_type_id(tensor.dtype));
  put(file, offset);
}

uint64_t padded(uint64_t size, uint64_t alignment) {
  const auto rounded = checked_round_up(size, alignment);
  if (!rounded) refuse_to_write("GGUF file", "must have a size that fits 64 bits, found a larger one");
  return *rounded;
}

void pad(AtomicFile& file, uint64_t alignment) {
  file.write_zeros(padded(file.size(), alignment) - file.size());
}

}  // namespace

void write_gguf(const std::filesystem::path& path, const GgufMetadata& metadata,
                const std::vector<TensorToWrite>& tensors) {
  const uint64_t alignment = alignment_of(metadata);
  const std::vector<uint64_t> sizes = check_and_measure(tensors);
  AtomicFile file(path);
  file.write(gguf::kMagic);
  put(file, kVersion);
  put(file, uint64_t{tensors.size()});
  put(file, uint64_t{metadata.size()});
  for (const auto& [key, value] : metadata) {
    put_string(file, key);
    std::visit(ValueWriter{file}, value);
  }
  uint64_t offset = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    put_tensor_info(file, tensors[i], offset);
    offset = padded(offset + sizes[i], alignment);
  }
  pad(file, alignment);
  for (size_t i = 0; i < tensors.size(); ++i) {
    write_tensor_data(file, tensors[i], sizes[i]);
    pad(file, alignment);
  }
  file.commit();
}

}  // namespace longscroll
