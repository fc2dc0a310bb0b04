// Reads one object of a suite file key by key; every fault names the file and the place within it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace longscroll {

// Keeps a reference to `object`, which must outlive it. Not thread safe. All calls throw Error(kFile).
class Settings {
 public:
  // `file` and `place` ("tasks[3].columns[0]") are for messages.
  Settings(const nlohmann::json& object, std::string file, std::string place);

  bool has(std::string_view key) const;
  std::string text(const char* key);  // must be there, and not empty
  std::string text_or(const char* key, std::string_view absent);
  bool flag_or(const char* key, bool absent);
  size_t number_or(const char* key, size_t absent);  // 0 to kMaxNumber
  size_t number(const char* key);
  std::vector<std::string> texts(const char* key);  // absent: empty
  std::vector<size_t> numbers(const char* key);     // absent: empty
  std::vector<Settings> objects(const char* key);   // absent: empty
  std::optional<Settings> object(const char* key);
  std::vector<std::string> keys() const;
  std::vector<std::pair<std::string, std::string>> pairs(const char* key);  // an object of texts, by name

  // Call last: a key that nobody asked for is a fault (most often a misspelling).
  void finish() const;
  [[noreturn]] void fail(const std::string& what) const;

  static constexpr size_t kMaxNumber = 100'000'000;

 private:
  const nlohmann::json* find(const char* key);
  size_t check_number(const nlohmann::json& value, const std::string& name) const;
  std::string check_text(const nlohmann::json& value, const std::string& name) const;

  const nlohmann::json* object_;
  std::string file_;
  std::string place_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace longscroll
