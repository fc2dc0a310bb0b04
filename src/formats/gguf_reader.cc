#include <algorithm>
#include <bit>
#include <concepts>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checked_math.h"
#include "formats/byte_cursor.h"
#include "formats/file_faults.h"
#include "formats/gguf.h"
#include "formats/gguf_layout.h"

namespace longscroll {
namespace {

using gguf::ValueType;

// The least bytes that one entry takes; a count above what the rest of the file can hold is a lie, and
// is refused before anything is allocated for it.
constexpr uint64_t kLeastMetadataBytes = 8 + 4 + 1;        // key length, type, value
constexpr uint64_t kLeastTensorBytes = 8 + 4 + 8 + 4 + 8;  // name length, dims, one dim, type, offset

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::filesystem::path& path)
      : bytes_(bytes), path_(path), cursor_(bytes, path) {}

  uint32_t parse_version();
  GgufMetadata parse_metadata();
  std::vector<TensorView> parse_tensors(const GgufMetadata& metadata);

 private:
  struct Located {
    TensorView view;
    uint64_t offset = 0;
    uint64_t size = 0;  // 0 for the types that we do not compute with
  };

  void check_count(uint64_t count, uint64_t least_bytes, std::string_view noun) const;
  std::string parse_string(std::string_view field);
  GgufValue parse_value(ValueType type, const std::string& key);
  GgufValue parse_array(const std::string& key);
  bool parse_bool(const std::string& key);
  template <typename Stored, typename Wide>
  std::vector<Wide> parse_numbers(uint64_t count, const std::string& key);
  Located parse_tensor_info();
  std::vector<uint64_t> parse_shape(const std::string& name);
  uint64_t data_start(uint64_t alignment, bool any_tensors) const;
  void place(std::vector<Located>& tensors, uint64_t alignment) const;
  void check_overlaps(const std::vector<Located>& tensors) const;

  std::span<const std::byte> bytes_;
  const std::filesystem::path& path_;
  ByteCursor cursor_;
  uint64_t tensor_count_ = 0;
  uint64_t metadata_count_ = 0;
};

uint32_t Parser::parse_version() {
  const std::string_view magic = cursor_.take_text(gguf::kMagic.size(), "GGUF magic");
  if (magic != gguf::kMagic) {
    throw_bad_file(path_, fmt::format("a GGUF file must begin with 'GGUF', found {}", shown_name(magic)));
  }
  const auto version = cursor_.read<uint32_t>("GGUF version");
  if (version != 0 && (version & 0xffff) == 0) {
    throw_unsupported_file(path_, "must be little-endian, found a big-endian file",
                           "convert it on a little-endian machine");
  }
  if (version != 2 && version != 3) {
    throw_unsupported_file(path_, fmt::format("GGUF version must be 2 or 3, found {}", version));
  }
  tensor_count_ = cursor_.read<uint64_t>("tensor count");
  metadata_count_ = cursor_.read<uint64_t>("metadata count");
  check_count(metadata_count_, kLeastMetadataBytes, "metadata entries");
  check_count(tensor_count_, kLeastTensorBytes, "tensors");
  return version;
}

void Parser::check_count(uint64_t count, uint64_t least_bytes, std::string_view noun) const {
  if (count > cursor_.remaining() / least_bytes) {
    throw_bad_file(path_, fmt::format("the number of {} must fit the file, found {} with {} bytes left", noun,
                                      count, cursor_.remaining()));
  }
}

std::string Parser::parse_string(std::string_view field) {
  const auto length = cursor_.read<uint64_t>(field);
  return std::string(cursor_.take_text(length, field));
}

GgufMetadata Parser::parse_metadata() {
  GgufMetadata metadata;
  for (uint64_t i = 0; i < metadata_count_; ++i) {
    std::string key = parse_string(fmt::format("key of metadata entry {}", i));
    if (key.empty()) throw_bad_file(path_, fmt::format("metadata entry {} must have a key, found none", i));
    const auto type = static_cast<ValueType>(cursor_.read<uint32_t>("type of metadata " + shown_name(key)));
    GgufValue value = parse_value(type, key);
    const auto [position, inserted] = metadata.emplace(std::move(key), std::move(value));
    if (!inserted) {
      throw_bad_file(
          path_, fmt::format("metadata {} must appear once, found it twice", shown_name(position->first)));
    }
  }
  return metadata;
}

GgufValue Parser::parse_value(ValueType type, const std::string& key) {
  const std::string field = "metadata " + shown_name(key);
  switch (type) {
    case ValueType::kUint8:
      return uint64_t{cursor_.read<uint8_t>(field)};
    case ValueType::kInt8:
      return int64_t{cursor_.read<int8_t>(field)};
    case ValueType::kUint16:
      return uint64_t{cursor_.read<uint16_t>(field)};
    case ValueType::kInt16:
      return int64_t{cursor_.read<int16_t>(field)};
    case ValueType::kUint32:
      return uint64_t{cursor_.read<uint32_t>(field)};
    case ValueType::kInt32:
      return int64_t{cursor_.read<int32_t>(field)};
    case ValueType::kFloat32:
      return double{cursor_.read<float>(field)};
    case ValueType::kBool:
      return parse_bool(key);
    case ValueType::kString:
      return parse_string(field);
    case ValueType::kArray:
      return parse_array(key);
    case ValueType::kUint64:
      return cursor_.read<uint64_t>(field);
    case ValueType::kInt64:
      return cursor_.read<int64_t>(field);
    case ValueType::kFloat64:
      return cursor_.read<double>(field);
  }
  throw_bad_file(path_, fmt::format("{} must have a type from 0 to 12, found type {}", field,
                                    static_cast<uint32_t>(type)));
}

bool Parser::parse_bool(const std::string& key) {
  const auto byte = cursor_.read<uint8_t>("metadata " + shown_name(key));
  if (byte > 1) {
    throw_bad_file(path_,
                   fmt::format("metadata {} must be the bool 0 or 1, found {}", shown_name(key), byte));
  }
  return byte == 1;
}

template <typename Stored, typename Wide>
std::vector<Wide> Parser::parse_numbers(uint64_t count, const std::string& key) {
  check_count(count, sizeof(Stored), "elements of metadata " + shown_name(key));
  const auto stored = cursor_.take(count * sizeof(Stored), "metadata " + shown_name(key));
  std::vector<Wide> numbers(count);
  for (uint64_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, stored.data() + i * sizeof(Stored), sizeof(Stored));
    if constexpr (std::integral<Stored>) {
      if (!std::in_range<Wide>(value)) {
        throw_bad_file(
            path_, fmt::format("elements of metadata {} must fit 63 bits, found {}", shown_name(key), value));
      }
    }
    numbers[i] = static_cast<Wide>(value);
  }
  return numbers;
}

GgufValue Parser::parse_array(const std::string& key) {
  const std::string field = "metadata " + shown_name(key);
  const auto type = static_cast<ValueType>(cursor_.read<uint32_t>(field));
  const auto count = cursor_.read<uint64_t>(field);
  switch (type) {
    case ValueType::kUint8:
      return parse_numbers<uint8_t, int64_t>(count, key);
    case ValueType::kInt8:
      return parse_numbers<int8_t, int64_t>(count, key);
    case ValueType::kUint16:
      return parse_numbers<uint16_t, int64_t>(count, key);
    case ValueType::kInt16:
      return parse_numbers<int16_t, int64_t>(count, key);
    case ValueType::kUint32:
      return parse_numbers<uint32_t, int64_t>(count, key);
    case ValueType::kInt32:
      return parse_numbers<int32_t, int64_t>(count, key);
    case ValueType::kUint64:
      return parse_numbers<uint64_t, int64_t>(count, key);
    case ValueType::kInt64:
      return parse_numbers<int64_t, int64_t>(count, key);
    case ValueType::kFloat32:
      return parse_numbers<float, double>(count, key);
    case ValueType::kFloat64:
      return parse_numbers<double, double>(count, key);
    case ValueType::kBool: {
      check_count(count, 1, "elements of " + field);
      std::vector<bool> bools(count);
      for (uint64_t i = 0; i < count; ++i) bools[i] = parse_bool(key);
      return bools;
    }
    case ValueType::kString: {
      check_count(count, 8, "elements of " + field);
      std::vector<std::string> strings(count);
      for (std::string& text : strings) text = parse_string(field);
      return strings;
    }
    case ValueType::kArray:
      throw_unsupported_file(path_, fmt::format("{} must be a flat array, found an array of arrays", field));
  }
  throw_bad_file(path_, fmt::format("{} must have elements of type 0 to 12, found type {}", field,
                                    static_cast<uint32_t>(type)));
}

std::vector<uint64_t> Parser::parse_shape(const std::string& name) {
  const std::string field = "tensor " + shown_name(name);
  const auto dims = cursor_.read<uint32_t>(field);
  if (dims == 0) throw_bad_file(path_, fmt::format("{} must have a dimension, found none", field));
  if (dims > gguf::kMaxDims) {
    throw_bad_file(path_,
                   fmt::format("{} must have at most {} dimensions, found {}", field, gguf::kMaxDims, dims));
  }
  std::vector<uint64_t> shape(dims);
  for (uint64_t& dim : shape) dim = cursor_.read<uint64_t>(field);
  std::ranges::reverse(shape);  // GGUF stores the innermost dimension first
  if (std::ranges::count(shape, 0u) > 0) {
    throw_bad_file(
        path_, fmt::format("{} must have no dimension of size 0, found [{}]", field, fmt::join(shape, ", ")));
  }
  return shape;
}

Parser::Located Parser::parse_tensor_info() {
  Located found;
  TensorView& view = found.view;
  view.name = parse_string("name of a tensor");
  const std::string field = "tensor " + shown_name(view.name);
  if (view.name.empty()) throw_bad_file(path_, "every tensor must have a name, found an empty one");
  view.shape = parse_shape(view.name);
  const auto type_id = cursor_.read<uint32_t>(field);
  found.offset = cursor_.read<uint64_t>(field);
  const gguf::TensorType* type = gguf::find_tensor_type(type_id);
  if (type == nullptr) {
    throw_unsupported_file(path_, fmt::format("{} must have a known type, found type id {}", field, type_id));
  }
  view.type_name = type->name;
  view.dtype = type->dtype;
  const auto elements = checked_product(view.shape);
  if (!elements) {
    throw_bad_file(path_, fmt::format("{} must have a size that fits 64 bits, found [{}]", field,
                                      fmt::join(view.shape, ", ")));
  }
  if (!view.dtype) return found;
  const uint64_t block = dtype_info(*view.dtype).block_elems;
  if (view.shape.back() % block != 0) {
    throw_bad_file(path_, fmt::format("{} must have rows of whole {} blocks of {}, found rows of {}", field,
                                      type->name, block, view.shape.back()));
  }
  const auto size = dtype_bytes(*view.dtype, *elements);
  if (!size) throw_bad_file(path_, fmt::format("{} must have a size that fits 64 bits", field));
  found.size = *size;
  return found;
}

uint64_t alignment_of(const GgufMetadata& metadata, const std::filesystem::path& path) {
  const auto found = metadata.find(gguf::kAlignmentKey);
  if (found == metadata.end()) return gguf::kDefaultAlignment;
  const auto* alignment = std::get_if<uint64_t>(&found->second);
  if (alignment == nullptr || !std::has_single_bit(*alignment)) {
    throw_bad_file(path, fmt::format("{} must be a power of two, found {}", gguf::kAlignmentKey,
                                     alignment == nullptr ? "another type" : std::to_string(*alignment)));
  }
  return *alignment;
}

uint64_t Parser::data_start(uint64_t alignment, bool any_tensors) const {
  const auto start = checked_round_up(cursor_.position(), alignment);
  if (start && *start <= bytes_.size()) return *start;
  if (!any_tensors) return bytes_.size();  // a file of metadata only need not be padded
  throw_bad_file(path_, fmt::format("tensor data must begin inside the file, found its end at {}: truncated?",
                                    bytes_.size()));
}

void Parser::place(std::vector<Located>& tensors, uint64_t alignment) const {
  const auto data = bytes_.subspan(data_start(alignment, !tensors.empty()));
  for (Located& tensor : tensors) {
    const std::string name = shown_name(tensor.view.name);
    if (tensor.offset % alignment != 0) {
      throw_bad_file(path_, fmt::format("tensor {} must begin at a multiple of {}, found offset {}", name,
                                        alignment, tensor.offset));
    }
    const auto end = checked_add(tensor.offset, tensor.size);
    if (!end || *end > data.size()) {
      throw_bad_file(path_,
                     fmt::format("tensor {} must end inside the file, found {} bytes at offset {} of {}: "
                                 "truncated?",
                                 name, tensor.size, tensor.offset, data.size()));
    }
    tensor.view.data = data.subspan(tensor.offset, tensor.size);
  }
}

void Parser::check_overlaps(const std::vector<Located>& tensors) const {
  std::vector<const Located*> order;
  order.reserve(tensors.size());
  for (const Located& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, {}, [](const Located* tensor) { return std::pair(tensor->offset, tensor->size); });
  for (size_t i = 1; i < order.size(); ++i) {
    const Located& before = *order[i - 1];
    if (before.offset + before.size > order[i]->offset) {
      throw_bad_file(path_, fmt::format("tensors must not overlap, found {} and {} at offsets {} and {}",
                                        shown_name(before.view.name), shown_name(order[i]->view.name),
                                        before.offset, order[i]->offset));
    }
  }
}

std::vector<TensorView> Parser::parse_tensors(const GgufMetadata& metadata) {
  const uint64_t alignment = alignment_of(metadata, path_);
  std::vector<Located> located;
  for (uint64_t i = 0; i < tensor_count_; ++i) located.push_back(parse_tensor_info());
  place(located, alignment);
  check_overlaps(located);
  std::vector<TensorView> views;
  views.reserve(located.size());
  for (Located& tensor : located) views.push_back(std::move(tensor.view));
  return views;
}

}  // namespace

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) {
  Parser parser(file_.bytes(), file_.path());
  version_ = parser.parse_version();
  metadata_ = parser.parse_metadata();
  tensors_ = parser.parse_tensors(metadata_);
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (!index_.emplace(tensors_[i].name, i).second) {
      throw_bad_file(path,
                     fmt::format("tensor {} must appear once, found it twice", shown_name(tensors_[i].name)));
    }
  }
}

}  // namespace longscroll
