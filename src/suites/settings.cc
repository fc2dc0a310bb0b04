#include "suites/settings.h"

#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {

using Json = nlohmann::json;

Settings::Settings(const Json& object, std::string file, std::string place)
    : object_(&object), file_(std::move(file)), place_(std::move(place)) {
  if (!object.is_object()) fail(fmt::format("must be an object, found {}", object.type_name()));
}

void Settings::fail(const std::string& what) const {
  throw Error(ErrorKind::kFile, file_, fmt::format("{}: {}", place_.empty() ? "the suite" : place_, what),
              "docs/formats/suites.md says what a suite file holds");
}

bool Settings::has(std::string_view key) const {
  const auto it = object_->find(key);
  return it != object_->end() && !it->is_null();
}

const Json* Settings::find(const char* key) {
  seen_.insert(key);
  return has(key) ? &object_->at(key) : nullptr;
}

std::string Settings::check_text(const Json& value, const std::string& name) const {
  if (!value.is_string()) fail(fmt::format("'{}' must be a text, found {}", name, value.type_name()));
  return value.get<std::string>();
}

size_t Settings::check_number(const Json& value, const std::string& name) const {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > kMaxNumber) {
    fail(fmt::format("'{}' must be a whole number from 0 to {}, found {}", name, kMaxNumber, value.dump()));
  }
  return value.get<size_t>();
}

std::string Settings::text(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) fail(fmt::format("must have '{}', found none", key));
  std::string text = check_text(*value, key);
  if (text.empty()) fail(fmt::format("'{}' must not be empty", key));
  return text;
}

std::string Settings::text_or(const char* key, std::string_view absent) {
  const Json* value = find(key);
  return value == nullptr ? std::string(absent) : check_text(*value, key);
}

bool Settings::flag_or(const char* key, bool absent) {
  const Json* value = find(key);
  if (value == nullptr) return absent;
  if (!value->is_boolean())
    fail(fmt::format("'{}' must be true or false, found {}", key, value->type_name()));
  return value->get<bool>();
}

size_t Settings::number_or(const char* key, size_t absent) {
  const Json* value = find(key);
  return value == nullptr ? absent : check_number(*value, key);
}

size_t Settings::number(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) fail(fmt::format("must have '{}', found none", key));
  return check_number(*value, key);
}

std::vector<std::string> Settings::texts(const char* key) {
  std::vector<std::string> all;
  const Json* value = find(key);
  if (value == nullptr) return all;
  if (!value->is_array()) fail(fmt::format("'{}' must be a list, found {}", key, value->type_name()));
  for (const Json& one : *value) all.push_back(check_text(one, key));
  return all;
}

std::vector<size_t> Settings::numbers(const char* key) {
  std::vector<size_t> all;
  const Json* value = find(key);
  if (value == nullptr) return all;
  if (!value->is_array()) fail(fmt::format("'{}' must be a list, found {}", key, value->type_name()));
  for (const Json& one : *value) all.push_back(check_number(one, key));
  return all;
}

std::vector<Settings> Settings::objects(const char* key) {
  std::vector<Settings> all;
  const Json* value = find(key);
  if (value == nullptr) return all;
  if (!value->is_array()) fail(fmt::format("'{}' must be a list, found {}", key, value->type_name()));
  const std::string before = place_.empty() ? "" : place_ + ".";
  for (const Json& one : *value) {
    all.emplace_back(one, file_, fmt::format("{}{}[{}]", before, key, all.size()));
  }
  return all;
}

std::optional<Settings> Settings::object(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  return Settings(*value, file_, (place_.empty() ? "" : place_ + ".") + key);
}

std::vector<std::string> Settings::keys() const {
  std::vector<std::string> all;
  for (const auto& [key, value] : object_->items()) all.push_back(key);
  return all;
}

std::vector<std::pair<std::string, std::string>> Settings::pairs(const char* key) {
  std::vector<std::pair<std::string, std::string>> all;
  const Json* value = find(key);
  if (value == nullptr) return all;
  if (!value->is_object()) fail(fmt::format("'{}' must be an object, found {}", key, value->type_name()));
  for (const auto& [name, text] : value->items()) all.emplace_back(name, check_text(text, name));
  return all;
}

void Settings::finish() const {
  for (const auto& [key, value] : object_->items()) {
    if (!seen_.contains(key)) fail(fmt::format("has the key '{}', which this builder does not know", key));
  }
}

}  // namespace longscroll
