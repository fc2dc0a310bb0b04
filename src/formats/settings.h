// Settings as people write them: a TOML file (TOML 1.0) whose every key is checked, and KEY=VALUE from a
// command line. One list of fields reads, overrides, writes and compares: recipes of training and plans of
// corpora are made of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

namespace longscroll {

using FieldPlace = std::variant<std::string*, double*, uint64_t*, bool*, std::vector<std::string>*>;

struct SettingField {
  std::string key;  // "optimizer.learning_rate"
  FieldPlace place;
};

// A list of tables, such as [[data.sources]]. Places are asked for anew after each grow().
struct SettingList {
  std::string key;                  // "data.sources"
  std::vector<std::string> fields;  // "path", …
  std::function<size_t()> size;
  std::function<void()> grow;  // by one, with the defaults
  std::function<FieldPlace(size_t entry, size_t field)> place;
};

// Places belong to the caller and must outlive the form.
struct SettingsForm {
  std::string what;  // "a recipe", for messages
  std::string page;  // what lists the keys: "docs/formats/recipe.md"
  std::vector<SettingField> fields;
  std::vector<SettingList> lists;
};

// Fields that the text does not name keep their values. `where` names it. Throws Error(kArgument), naming
// line and nearest key: a key unknown, a value of another kind or not finite; Error(kFile): not TOML, not
// UTF-8.
void parse_settings(std::string_view text, const std::string& where, const SettingsForm& form);
// Of a file of at most 1 MiB. Throws Error(kFile) also when it cannot be read.
void read_settings(const std::filesystem::path& path, const SettingsForm& form);

// "optimizer.learning_rate=2e-5", "data.sources.0.path=x": the value is TOML, or a bare text where a text is
// wanted. `option` names where it was typed ("--set"). Throws Error(kArgument) as above.
void set_setting(std::string_view assignment, const std::string& option, const SettingsForm& form);

std::string write_settings(const SettingsForm& form);  // as TOML, all of them
std::string setting_text(const FieldPlace& place);     // a value as TOML
nlohmann::ordered_json settings_to_json(
    const SettingsForm& form);  // {"optimizer.learning_rate": …}, lists last

// What a field of that place takes, for messages: "a text", "a number", ….
std::string_view kind_of(const FieldPlace& place);

// The key of `keys` that takes the fewest edits (insert, delete, replace, swap neighbours) to become `key`,
// if that is at most a third of its length or, for a key without its table, the same last part; else empty.
std::string nearest_key(std::string_view key, std::span<const std::string> keys);

}  // namespace longscroll
