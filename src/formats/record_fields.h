// Typed access to the keys of a JSON object out of a file; every fault names the file, the place and the key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace longscroll {

// Token counts, items and the like: far above anything real, and exact as a double too.
inline constexpr uint64_t kMaxCount = uint64_t{1} << 50;

class RecordFields {
 public:
  // `object` and `path` outlive it; `place` is "record in line 7" or "manifest", `hint` what every fault is
  // reported with. Throws Error(kFile) unless it is an object.
  RecordFields(const nlohmann::json& object, const std::filesystem::path& path, std::string place,
               std::string hint = {});

  const nlohmann::json& at(const char* key) const;
  bool has_value(const char* key) const;  // there, and not null
  std::string text(const char* key) const;
  std::string text_or_empty(const char* key) const;  // also for null or a missing key
  uint64_t count(const char* key) const;
  double number(const char* key) const;  // finite
  std::vector<std::string> texts(const char* key) const;
  const nlohmann::json& list(const char* key) const;
  std::vector<uint64_t> counts(const char* key) const;
  RecordFields object(const char* key) const;

  [[noreturn]] void fail(const std::string& what) const;
  const nlohmann::json& json() const { return *object_; }

 private:
  uint64_t count_of(const char* key, const nlohmann::json& value) const;
  [[noreturn]] void fail_type(const char* key, const char* expected, const nlohmann::json& found) const;

  const nlohmann::json* object_;
  const std::filesystem::path* path_;
  std::string place_;
  std::string hint_;
};

}  // namespace longscroll
