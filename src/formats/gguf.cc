#include "formats/gguf.h"

#include <fmt/format.h>

#include "formats/file_faults.h"

namespace longscroll {
namespace {

// In the order of GgufValue's alternatives.
constexpr std::string_view kKindNames[] = {"an unsigned integer", "an integer",        "a number",
                                           "true or false",       "a string",          "an array of integers",
                                           "an array of numbers", "an array of bools", "an array of strings"};
static_assert(std::size(kKindNames) == std::variant_size_v<GgufValue>);

[[noreturn]] void throw_wrong_kind(const GgufFile& file, std::string_view key, std::string_view wanted,
                                   const GgufValue& value) {
  throw_bad_file(file.path(), fmt::format("{} must be {}, found {}", key, wanted, kKindNames[value.index()]));
}

const GgufValue* look_up(const GgufFile& file, std::string_view key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? nullptr : &found->second;
}

// The value of `key` when it is a T, null when absent.
template <typename T>
const T* look_up_as(const GgufFile& file, std::string_view key, std::string_view wanted) {
  const GgufValue* value = look_up(file, key);
  if (value == nullptr) return nullptr;
  const T* typed = std::get_if<T>(value);
  if (typed == nullptr) throw_wrong_kind(file, key, wanted, *value);
  return typed;
}

template <typename T>
std::optional<T> copy_of(const T* value) {
  return value == nullptr ? std::nullopt : std::optional<T>(*value);
}

}  // namespace

const TensorView* GgufFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

std::optional<uint64_t> GgufFile::get_uint(std::string_view key) const {
  const GgufValue* value = look_up(*this, key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<uint64_t>(value)) return *number;
  const auto* number = std::get_if<int64_t>(value);
  if (number == nullptr) throw_wrong_kind(*this, key, "an unsigned integer", *value);
  if (*number < 0) throw_bad_file(path(), fmt::format("{} must not be negative, found {}", key, *number));
  return static_cast<uint64_t>(*number);
}

std::optional<double> GgufFile::get_float(std::string_view key) const {
  const GgufValue* value = look_up(*this, key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto* number = std::get_if<uint64_t>(value)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<int64_t>(value)) return static_cast<double>(*number);
  throw_wrong_kind(*this, key, "a number", *value);
}

std::optional<bool> GgufFile::get_bool(std::string_view key) const {
  return copy_of(look_up_as<bool>(*this, key, "true or false"));
}

std::optional<std::string> GgufFile::get_string(std::string_view key) const {
  return copy_of(look_up_as<std::string>(*this, key, "a string"));
}

const std::vector<std::string>* GgufFile::get_strings(std::string_view key) const {
  return look_up_as<std::vector<std::string>>(*this, key, "an array of strings");
}

std::optional<std::vector<int64_t>> GgufFile::get_ints(std::string_view key) const {
  return copy_of(look_up_as<std::vector<int64_t>>(*this, key, "an array of integers"));
}

std::optional<std::vector<double>> GgufFile::get_floats(std::string_view key) const {
  const GgufValue* value = look_up(*this, key);
  if (value == nullptr) return std::nullopt;
  if (const auto* numbers = std::get_if<std::vector<double>>(value)) return *numbers;
  const auto* integers = std::get_if<std::vector<int64_t>>(value);
  if (integers == nullptr) throw_wrong_kind(*this, key, "an array of numbers", *value);
  return std::vector<double>(integers->begin(), integers->end());
}

}  // namespace longscroll
