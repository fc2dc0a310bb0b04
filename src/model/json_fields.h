// Typed reading of a JSON object from outside: every mistake names the file and the field.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace longscroll {

// Throws Error(kFile) when it is missing, too large, not JSON or not an object.
nlohmann::json read_json_object(const std::filesystem::path& path);

// The whole file, at most 1 GiB. Throws Error(kFile).
std::string read_text_file(const std::filesystem::path& path);

// A view of an object; the json must outlive it. null counts as absent everywhere.
class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string where) : object_(&object), where_(std::move(where)) {}

  const std::string& where() const { return where_; }
  bool has(const char* key) const { return find(key) != nullptr; }

  uint32_t need_uint(const char* key) const;
  std::optional<uint32_t> get_uint(const char* key) const;
  std::optional<double> get_number(const char* key) const;
  std::optional<bool> get_bool(const char* key) const;  // 0 and 1 count too
  std::optional<std::string> get_string(const char* key) const;
  std::vector<std::string> get_strings(const char* key) const;  // empty when absent
  std::vector<int64_t> get_ints(const char* key) const;         // a single number counts as a list of one
  std::optional<JsonFields> get_object(const char* key) const;
  const nlohmann::json* find(const char* key) const;  // null when absent

  [[noreturn]] void fail(const char* key, const std::string& what, ErrorKind kind = ErrorKind::kFile) const;

 private:
  const nlohmann::json* object_;
  std::string where_;
};

}  // namespace longscroll
