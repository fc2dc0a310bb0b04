#include "model/json_fields.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/mapped_file.h"
#include "formats/strict_json.h"

namespace longscroll {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kMaxTextFile = size_t{1} << 30;

}  // namespace

std::string read_text_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > kMaxTextFile) {
    throw Error(ErrorKind::kFile, path.string(),
                fmt::format("must be at most 1 GiB, has {} bytes", bytes.size()));
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

nlohmann::json read_json_object(const std::filesystem::path& path) {
  nlohmann::json object = parse_strict_json(read_text_file(path), path, "file", kMaxDepth);
  if (!object.is_object()) throw Error(ErrorKind::kFile, path.string(), "must hold a JSON object");
  return object;
}

const nlohmann::json* JsonFields::find(const char* key) const {
  const auto found = object_->find(key);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

void JsonFields::fail(const char* key, const std::string& what, ErrorKind kind) const {
  throw Error(kind, where_, fmt::format("{}: {}", key, what));
}

uint32_t JsonFields::need_uint(const char* key) const {
  const auto value = get_uint(key);
  if (!value) fail(key, "must be given, is missing");
  return *value;
}

std::optional<uint32_t> JsonFields::get_uint(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  constexpr auto kMost = std::numeric_limits<uint32_t>::max();
  const bool whole =
      value->is_number_unsigned() || (value->is_number_integer() && value->get<int64_t>() >= 0);
  if (!whole || value->get<uint64_t>() > kMost) {
    fail(key, fmt::format("must be a whole number from 0 to {}, is {}", kMost,
                          value->is_number() ? value->dump() : value->type_name()));
  }
  return value->get<uint32_t>();
}

std::optional<double> JsonFields::get_number(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<double>())) {
    fail(key, fmt::format("must be a number, is of type {}", value->type_name()));
  }
  return value->get<double>();
}

std::optional<bool> JsonFields::get_bool(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer() && (*value == 0 || *value == 1)) return *value == 1;
  if (!value->is_boolean())
    fail(key, fmt::format("must be true or false, is of type {}", value->type_name()));
  return value->get<bool>();
}

std::optional<std::string> JsonFields::get_string(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) fail(key, fmt::format("must be a string, is of type {}", value->type_name()));
  return value->get<std::string>();
}

std::vector<std::string> JsonFields::get_strings(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_array())
    fail(key, fmt::format("must be a list of strings, is of type {}", value->type_name()));
  std::vector<std::string> strings;
  for (const auto& item : *value) {
    if (!item.is_string()) fail(key, fmt::format("must be a list of strings, holds a {}", item.type_name()));
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

std::vector<int64_t> JsonFields::get_ints(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr) return {};
  if (value->is_number_integer()) return {value->get<int64_t>()};
  if (!value->is_array()) {
    fail(key, fmt::format("must be a whole number or a list of them, is of type {}", value->type_name()));
  }
  std::vector<int64_t> numbers;
  for (const auto& item : *value) {
    if (!item.is_number_integer()) {
      fail(key, fmt::format("must be a list of whole numbers, holds a {}", item.type_name()));
    }
    numbers.push_back(item.get<int64_t>());
  }
  return numbers;
}

std::optional<JsonFields> JsonFields::get_object(const char* key) const {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) fail(key, fmt::format("must be an object, is of type {}", value->type_name()));
  return JsonFields(*value, fmt::format("{}: {}", where_, key));
}

}  // namespace longscroll
