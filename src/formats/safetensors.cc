#include "formats/safetensors.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/utf8.h"
#include "formats/atomic_file.h"
#include "formats/byte_cursor.h"
#include "formats/file_faults.h"
#include "formats/strict_json.h"

namespace longscroll {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's own limit
constexpr int kMaxHeaderDepth = 3;                 // header, tensor, shape
constexpr size_t kMaxDims = 8;                     // more than any model has
constexpr std::string_view kMetadataKey = "__metadata__";

struct StoredType {
  std::string_view name;
  uint64_t bits;
  std::optional<DType> dtype;  // nullopt: its size is checked, its data not offered
};

constexpr StoredType kStoredTypes[] = {
    {"F32", 32, DType::kF32},     {"F16", 16, DType::kF16},     {"BF16", 16, DType::kBF16},
    {"F64", 64, std::nullopt},    {"I64", 64, std::nullopt},    {"I32", 32, std::nullopt},
    {"I16", 16, std::nullopt},    {"I8", 8, std::nullopt},      {"U64", 64, std::nullopt},
    {"U32", 32, std::nullopt},    {"U16", 16, std::nullopt},    {"U8", 8, std::nullopt},
    {"BOOL", 8, std::nullopt},    {"F8_E4M3", 8, std::nullopt}, {"F8_E5M2", 8, std::nullopt},
    {"F8_E8M0", 8, std::nullopt}, {"F6_E2M3", 6, std::nullopt}, {"F6_E3M2", 6, std::nullopt},
    {"F4", 4, std::nullopt},      {"C64", 64, std::nullopt},
};

const StoredType* find_stored_type(std::string_view name) {
  const auto* found = std::ranges::find(kStoredTypes, name, &StoredType::name);
  return found == std::end(kStoredTypes) ? nullptr : found;
}

struct Located {
  TensorView view;
  uint64_t begin = 0;
  uint64_t end = 0;
};

class HeaderReader {
 public:
  HeaderReader(const std::filesystem::path& path, uint64_t data_bytes)
      : path_(path), data_bytes_(data_bytes) {}

  std::map<std::string, std::string> read_metadata(const json& value) const;
  Located read_tensor(const std::string& name, const json& value) const;
  // Sorts by place, and checks that the tensors tile the data exactly.
  void check_tiling(std::vector<Located>& tensors) const;

 private:
  std::vector<uint64_t> read_numbers(const json& entry, const char* key, const std::string& field) const;
  void check_size(const Located& tensor, const StoredType& type, const std::string& field) const;

  const std::filesystem::path& path_;
  uint64_t data_bytes_;
};

std::map<std::string, std::string> HeaderReader::read_metadata(const json& value) const {
  if (!value.is_object()) throw_bad_file(path_, "__metadata__ must be an object, found something else");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      throw_bad_file(
          path_, fmt::format("__metadata__ must hold strings, found something else at {}", shown_name(key)));
    }
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

std::vector<uint64_t> HeaderReader::read_numbers(const json& entry, const char* key,
                                                 const std::string& field) const {
  const auto found = entry.find(key);
  if (found == entry.end()) throw_bad_file(path_, fmt::format("{} must have '{}', found none", field, key));
  if (!found->is_array() ||
      !std::ranges::all_of(*found, [](const json& item) { return item.is_number_unsigned(); })) {
    throw_bad_file(
        path_,
        fmt::format("{} must have '{}' made of whole numbers from 0 up, found something else", field, key));
  }
  return found->get<std::vector<uint64_t>>();
}

Located HeaderReader::read_tensor(const std::string& name, const json& value) const {
  const std::string field = "tensor " + shown_name(name);
  if (!value.is_object()) throw_bad_file(path_, field + " must be an object, found something else");
  const auto dtype = value.find("dtype");
  if (dtype == value.end() || !dtype->is_string()) {
    throw_bad_file(path_, field + " must have a 'dtype' string, found none");
  }
  const auto& type_name = dtype->get_ref<const std::string&>();
  const StoredType* type = find_stored_type(type_name);
  if (type == nullptr) {
    throw_unsupported_file(path_,
                           fmt::format("{} must have a known dtype, found {}", field, shown_name(type_name)));
  }
  Located found;
  found.view.name = name;
  found.view.type_name = type_name;
  found.view.dtype = type->dtype;
  found.view.shape = read_numbers(value, "shape", field);
  if (found.view.shape.size() > kMaxDims) {
    throw_unsupported_file(path_, fmt::format("{} must have at most {} dimensions, found {}", field, kMaxDims,
                                              found.view.shape.size()));
  }
  const auto offsets = read_numbers(value, "data_offsets", field);
  if (offsets.size() != 2) {
    throw_bad_file(path_, fmt::format("{} must have two data_offsets, found {}", field, offsets.size()));
  }
  found.begin = offsets[0];
  found.end = offsets[1];
  check_size(found, *type, field);
  return found;
}

void HeaderReader::check_size(const Located& tensor, const StoredType& type, const std::string& field) const {
  if (tensor.begin > tensor.end) {
    throw_bad_file(path_, fmt::format("{} must begin before it ends, found data_offsets [{}, {}]", field,
                                      tensor.begin, tensor.end));
  }
  if (tensor.end > data_bytes_) {
    throw_bad_file(path_, fmt::format("{} must end inside the file, found its end at {} of {}: truncated?",
                                      field, tensor.end, data_bytes_));
  }
  const auto elements = checked_product(tensor.view.shape);
  const auto bits = elements ? checked_mul(*elements, type.bits) : std::nullopt;
  if (!bits) {
    throw_bad_file(path_, fmt::format("{} must have a size that fits 64 bits, found [{}]", field,
                                      fmt::join(tensor.view.shape, ", ")));
  }
  if (*bits % 8 != 0 || *bits / 8 != tensor.end - tensor.begin) {
    throw_bad_file(path_,
                   fmt::format("{} must have the {} bits of {} [{}], found {} bytes", field, *bits, type.name,
                               fmt::join(tensor.view.shape, ", "), tensor.end - tensor.begin));
  }
}

void HeaderReader::check_tiling(std::vector<Located>& tensors) const {
  std::ranges::sort(tensors, {}, [](const Located& tensor) { return std::pair(tensor.begin, tensor.end); });
  uint64_t end = 0;
  for (const Located& tensor : tensors) {
    if (tensor.begin < end) {
      throw_bad_file(path_, fmt::format("tensors must not overlap, found {} at {} before {}",
                                        shown_name(tensor.view.name), tensor.begin, end));
    }
    if (tensor.begin > end) {
      throw_bad_file(path_,
                     fmt::format("tensors must follow each other, found a hole from {} to {} before {}", end,
                                 tensor.begin, shown_name(tensor.view.name)));
    }
    end = tensor.end;
  }
  if (end != data_bytes_) {
    throw_bad_file(
        path_, fmt::format("tensors must fill the file, found {} bytes after the last", data_bytes_ - end));
  }
}

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::kArgument, where, what);
}

const StoredType& stored_type_of(const TensorToWrite& tensor) {
  for (const StoredType& type : kStoredTypes) {
    if (type.dtype == tensor.dtype) return type;
  }
  refuse("tensor " + shown_name(tensor.name),
         fmt::format("safetensors must hold f32, f16 or bf16, found {}", dtype_info(tensor.dtype).name));
}

void check_text(std::string_view text) {
  if (!is_valid_utf8(text))
    refuse(shown_name(text), "text in a safetensors header must be UTF-8, found other bytes");
}

json metadata_to_json(const std::map<std::string, std::string>& metadata) {
  json out = json::object();
  for (const auto& [key, text] : metadata) {
    check_text(key);
    check_text(text);
    out[key] = text;
  }
  return out;
}

struct Plan {
  std::string header;
  std::vector<uint64_t> sizes;
};

Plan plan_file(const std::map<std::string, std::string>& metadata,
               const std::vector<TensorToWrite>& tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata_to_json(metadata);
  Plan plan;
  std::set<std::string_view> names = {kMetadataKey};
  uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    const std::string where = "tensor " + shown_name(tensor.name);
    check_text(tensor.name);
    if (!names.insert(tensor.name).second) refuse(where, "must have a name of its own, found it taken");
    const StoredType& type = stored_type_of(tensor);
    const auto elements = checked_product(tensor.shape);
    const auto bytes = elements ? dtype_bytes(tensor.dtype, *elements) : std::nullopt;
    const auto end = bytes ? checked_add(offset, *bytes) : std::nullopt;
    if (!end) refuse(where, "must have a size that fits 64 bits, found a larger one");
    header[tensor.name] = {{"dtype", type.name}, {"shape", tensor.shape}, {"data_offsets", {offset, *end}}};
    plan.sizes.push_back(*bytes);
    offset = *end;
  }
  plan.header = header.dump();
  plan.header.resize((plan.header.size() + 7) / 8 * 8, ' ');  // so that the data is aligned for other readers
  return plan;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  ByteCursor cursor(file_.bytes(), file_.path());
  const auto header_bytes = cursor.read<uint64_t>("header length");
  if (header_bytes > kMaxHeaderBytes) {
    throw_bad_file(
        path, fmt::format("the header must have at most {} bytes, found {}", kMaxHeaderBytes, header_bytes));
  }
  const json header =
      parse_strict_json(cursor.take_text(header_bytes, "header"), path, "header", kMaxHeaderDepth);
  if (!header.is_object()) throw_bad_file(path, "the header must be a JSON object, found something else");
  const auto data = file_.bytes().subspan(cursor.position());
  const HeaderReader reader(file_.path(), data.size());
  std::vector<Located> located;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey) {
      metadata_ = reader.read_metadata(value);
    } else {
      located.push_back(reader.read_tensor(name, value));
    }
  }
  reader.check_tiling(located);
  for (Located& tensor : located) {
    if (tensor.view.dtype) tensor.view.data = data.subspan(tensor.begin, tensor.end - tensor.begin);
    tensors_.push_back(std::move(tensor.view));
  }
}

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
                       const std::vector<TensorToWrite>& tensors) {
  const Plan plan = plan_file(metadata, tensors);
  AtomicFile file(path);
  const uint64_t header_bytes = plan.header.size();
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(plan.header);
  for (size_t i = 0; i < tensors.size(); ++i) write_tensor_data(file, tensors[i], plan.sizes[i]);
  file.commit();
}

}  // namespace longscroll
