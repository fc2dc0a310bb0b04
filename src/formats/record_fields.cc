#include "formats/record_fields.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "formats/file_faults.h"

namespace longscroll {

RecordFields::RecordFields(const nlohmann::json& object, const std::filesystem::path& path, std::string place,
                           std::string hint)
    : object_(&object), path_(&path), place_(std::move(place)), hint_(std::move(hint)) {
  if (object.is_discarded()) fail("must be JSON, is not");
  if (!object.is_object()) fail(fmt::format("must be a JSON object, found {}", object.type_name()));
}

void RecordFields::fail(const std::string& what) const {
  throw_bad_file(*path_, fmt::format("the {} {}", place_, what), hint_);
}

void RecordFields::fail_type(const char* key, const char* expected, const nlohmann::json& found) const {
  fail(fmt::format("must have {} as '{}', found {}", expected, key, found.type_name()));
}

const nlohmann::json& RecordFields::at(const char* key) const {
  const auto found = object_->find(key);
  if (found == object_->end()) fail(fmt::format("must have the key '{}', found none", key));
  return *found;
}

bool RecordFields::has_value(const char* key) const {
  const auto found = object_->find(key);
  return found != object_->end() && !found->is_null();
}

std::string RecordFields::text(const char* key) const {
  const nlohmann::json& value = at(key);
  if (!value.is_string()) fail_type(key, "a string", value);
  return value.get<std::string>();
}

std::string RecordFields::text_or_empty(const char* key) const {
  return has_value(key) ? text(key) : std::string();
}

uint64_t RecordFields::count_of(const char* key, const nlohmann::json& value) const {
  if (!value.is_number_unsigned()) fail_type(key, "a whole number from 0", value);
  const auto count = value.get<uint64_t>();
  if (count > kMaxCount) fail(fmt::format("must have a count of at most 2^50 as '{}', found {}", key, count));
  return count;
}

uint64_t RecordFields::count(const char* key) const {
  return count_of(key, at(key));
}

double RecordFields::number(const char* key) const {
  const nlohmann::json& value = at(key);
  if (!value.is_number()) fail_type(key, "a number", value);
  const auto number = value.get<double>();
  if (!std::isfinite(number)) fail(fmt::format("must have a finite number as '{}', found {}", key, number));
  return number;
}

std::vector<std::string> RecordFields::texts(const char* key) const {
  const nlohmann::json& value = at(key);
  if (!value.is_array()) fail_type(key, "a list of strings", value);
  std::vector<std::string> texts;
  for (const nlohmann::json& text : value) {
    if (!text.is_string()) fail_type(key, "a list of strings", text);
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

const nlohmann::json& RecordFields::list(const char* key) const {
  const nlohmann::json& value = at(key);
  if (!value.is_array()) fail_type(key, "a list", value);
  return value;
}

std::vector<uint64_t> RecordFields::counts(const char* key) const {
  std::vector<uint64_t> counts;
  for (const nlohmann::json& value : list(key)) counts.push_back(count_of(key, value));
  return counts;
}

RecordFields RecordFields::object(const char* key) const {
  const nlohmann::json& value = at(key);
  if (!value.is_object()) fail_type(key, "an object", value);
  return {value, *path_, fmt::format("{}'s '{}'", place_, key), hint_};
}

}  // namespace longscroll
