#include "formats/settings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/utf8.h"

namespace longscroll {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 20;

// Where in a file something stands, for messages: "recipe.toml:12".
struct Place {
  std::string file;
  uint32_t line = 0;  // 0: not of a file

  std::string text() const { return line == 0 ? file : fmt::format("{}:{}", file, line); }
};

[[noreturn]] void refuse(const Place& place, const std::string& what, std::string hint = {}) {
  throw Error(ErrorKind::kArgument, place.text(), what, std::move(hint));
}

[[noreturn]] void refuse_key(const Place& place, std::string_view key, std::span<const std::string> keys,
                             const std::string& of_what, const SettingsForm& form) {
  const std::string nearest = nearest_key(key, keys);
  refuse(place, fmt::format("must be a key of {}, found {}", of_what, key),
         nearest.empty() ? form.page + " lists the keys" : fmt::format("did you mean {}?", nearest));
}

std::vector<std::string> keys_of(const SettingsForm& form) {
  std::vector<std::string> keys;
  for (const SettingField& field : form.fields) keys.push_back(field.key);
  for (const SettingList& list : form.lists) keys.push_back(list.key);
  return keys;
}

template <class Named>
const Named* find(const std::vector<Named>& all, std::string_view key) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.key == key; });
  return found == all.end() ? nullptr : &*found;
}

std::optional<size_t> find_field(const SettingList& list, std::string_view key) {
  const auto found = std::find(list.fields.begin(), list.fields.end(), key);
  if (found == list.fields.end()) return std::nullopt;
  return static_cast<size_t>(found - list.fields.begin());
}

// Gives a field a TOML value of its kind.
class Assign {
 public:
  Assign(const toml::node& node, Place place, std::string_view key)
      : node_(node), place_(std::move(place)), key_(key) {}

  void to(const FieldPlace& field) const {
    if (!std::visit([this](auto* value) { return take(*value); }, field)) {
      refuse(place_, fmt::format("{} must be {}, is another kind of value", key_, kind_of(field)));
    }
  }

 private:
  bool take(std::string& value) const {
    if (!node_.is_string()) return false;
    value = node_.as_string()->get();
    return true;
  }
  bool take(double& value) const {
    if (!node_.is_number()) return false;
    value = *node_.value<double>();
    if (!std::isfinite(value)) refuse(place_, fmt::format("{} must be a finite number, is {}", key_, value));
    return true;
  }
  bool take(uint64_t& value) const {
    if (!node_.is_integer() || node_.as_integer()->get() < 0) return false;
    value = static_cast<uint64_t>(node_.as_integer()->get());
    return true;
  }
  bool take(bool& value) const {
    if (!node_.is_boolean()) return false;
    value = node_.as_boolean()->get();
    return true;
  }
  bool take(std::vector<std::string>& value) const {
    const toml::array* list = node_.as_array();
    if (list == nullptr) return false;
    std::vector<std::string> texts;
    for (const toml::node& element : *list) {
      if (!element.is_string()) return false;
      texts.push_back(element.as_string()->get());
    }
    value = std::move(texts);
    return true;
  }

  const toml::node& node_;
  Place place_;
  std::string_view key_;
};

class SettingsReader {
 public:
  SettingsReader(std::string file, const SettingsForm& form) : file_(std::move(file)), form_(form) {}

  void read_table(const toml::table& table, const std::string& prefix = {}) const {
    for (auto&& [key, node] : table) {
      const std::string full = prefix + std::string(key.str());
      if (const SettingList* list = find(form_.lists, full)) {
        read_list(node, *list, place(key));
      } else if (const SettingField* field = find(form_.fields, full)) {
        Assign(node, place(key), full).to(field->place);
      } else if (node.is_table() && is_table_name(full)) {
        read_table(*node.as_table(), full + ".");
      } else {
        refuse_key(place(key), full, keys_of(form_), form_.what, form_);
      }
    }
  }

 private:
  Place place(const toml::key& key) const { return {file_, key.source().begin.line}; }

  void read_list(const toml::node& node, const SettingList& list, const Place& where) const {
    const toml::array* entries = node.as_array();
    if (entries == nullptr) refuse(where, fmt::format("{0} must be a list of tables: [[{0}]]", list.key));
    for (const toml::node& entry : *entries) {
      if (!entry.is_table()) refuse(where, fmt::format("{0} must hold tables alone: [[{0}]]", list.key));
      list.grow();
      read_entry(*entry.as_table(), list);
    }
  }

  void read_entry(const toml::table& table, const SettingList& list) const {
    const size_t last = list.size() - 1;
    for (auto&& [key, node] : table) {
      const std::optional<size_t> field = find_field(list, key.str());
      if (!field) refuse_key(place(key), key.str(), list.fields, fmt::format("[[{}]]", list.key), form_);
      Assign(node, place(key), key.str()).to(list.place(last, *field));
    }
  }

  bool is_table_name(const std::string& name) const {
    const auto is_inside = [&](const auto& named) { return named.key.starts_with(name + "."); };
    return std::any_of(form_.fields.begin(), form_.fields.end(), is_inside) ||
           std::any_of(form_.lists.begin(), form_.lists.end(), is_inside);
  }

  std::string file_;
  const SettingsForm& form_;
};

// "0.path", behind the key of a list.
FieldPlace entry_named(const SettingList& list, std::string_view rest, const Place& place,
                       const SettingsForm& form) {
  const size_t dot = rest.find('.');
  const std::string_view number = rest.substr(0, dot);
  const std::string_view name = dot == std::string_view::npos ? "" : rest.substr(dot + 1);
  const size_t size = list.size();
  size_t entry = 0;
  while (entry < size && number != std::to_string(entry)) ++entry;
  if (entry == size) {
    refuse(place,
           fmt::format("{}.{} must name one of {}'s {}, counted from 0", list.key, rest, form.what, size));
  }
  const std::optional<size_t> field = find_field(list, name);
  if (!field) refuse_key(place, name, list.fields, fmt::format("[[{}]]", list.key), form);
  return list.place(entry, *field);
}

FieldPlace place_named(std::string_view key, const Place& place, const SettingsForm& form) {
  if (const SettingField* field = find(form.fields, key)) return field->place;
  for (const SettingList& list : form.lists) {
    if (key.starts_with(list.key + "."))
      return entry_named(list, key.substr(list.key.size() + 1), place, form);
  }
  refuse_key(place, key, keys_of(form), form.what, form);
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

nlohmann::ordered_json value_of(const FieldPlace& place) {
  return std::visit([](const auto* value) { return nlohmann::ordered_json(*value); }, place);
}

}  // namespace

void parse_settings(std::string_view text, const std::string& where, const SettingsForm& form) {
  if (!is_valid_utf8(text)) throw Error(ErrorKind::kFile, where, "must be UTF-8, is not");
  try {
    SettingsReader(where, form).read_table(toml::parse(text, where));
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kFile, Place{where, error.source().begin.line}.text(),
                fmt::format("must be TOML, found: {}", error.description()));
  }
}

void read_settings(const std::filesystem::path& path, const SettingsForm& form) {
  std::error_code failure;
  const uint64_t size = std::filesystem::file_size(path, failure);
  if (failure) {
    throw Error(ErrorKind::kFile, path.string(),
                fmt::format("must be {}, found: {}", form.what, failure.message()));
  }
  if (size > kMaxFileBytes) {
    throw Error(ErrorKind::kFile, path.string(),
                fmt::format("must be {} of at most {} bytes, has {}", form.what, kMaxFileBytes, size));
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw Error(ErrorKind::kFile, path.string(), "must be readable, is not");
  parse_settings(text, path.string(), form);
}

void set_setting(std::string_view assignment, const std::string& option, const SettingsForm& form) {
  const Place place{option, 0};
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    refuse(place, fmt::format("must be KEY=VALUE, is {}", assignment));
  }
  const std::string_view key = assignment.substr(0, equals);
  const std::string_view value = assignment.substr(equals + 1);
  const FieldPlace field = place_named(key, place, form);
  std::string* const* text = std::get_if<std::string*>(&field);
  try {
    const toml::table table = toml::parse(fmt::format("value = {}", value));
    if (table.size() != 1) refuse(place, fmt::format("{} must have one value, has several lines", key));
    const toml::node& node = *table.get("value");
    if (text != nullptr && !node.is_string()) {
      **text = value;
    } else {
      Assign(node, place, key).to(field);
    }
  } catch (const toml::parse_error&) {
    if (text == nullptr) refuse(place, fmt::format("{} must be {}, is {}", key, kind_of(field), value));
    **text = value;  // a path, typed without quotes
  }
}

std::string setting_text(const FieldPlace& place) {
  struct Writer {
    std::string operator()(const std::string* value) const { return toml_text(*value); }
    std::string operator()(const double* value) const { return fmt::format("{}", *value); }
    std::string operator()(const uint64_t* value) const { return fmt::format("{}", *value); }
    std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
    std::string operator()(const std::vector<std::string>* value) const {
      std::string out;
      for (const std::string& text : *value) out += (out.empty() ? "" : ", ") + toml_text(text);
      return "[" + out + "]";
    }
  };
  return std::visit(Writer{}, place);
}

std::string write_settings(const SettingsForm& form) {
  std::string out;
  std::string_view table;
  for (const SettingField& field : form.fields) {
    const std::string_view key = field.key;
    const size_t dot = key.find('.');
    if (dot != std::string_view::npos && key.substr(0, dot) != table) {
      table = key.substr(0, dot);
      out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", table);
    }
    out += fmt::format("{} = {}\n", dot == std::string_view::npos ? key : key.substr(dot + 1),
                       setting_text(field.place));
  }
  for (const SettingList& list : form.lists) {
    for (size_t entry = 0; entry < list.size(); ++entry) {
      out += fmt::format("\n[[{}]]\n", list.key);
      for (size_t field = 0; field < list.fields.size(); ++field) {
        out += fmt::format("{} = {}\n", list.fields[field], setting_text(list.place(entry, field)));
      }
    }
  }
  return out;
}

nlohmann::ordered_json settings_to_json(const SettingsForm& form) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const SettingField& field : form.fields) json[field.key] = value_of(field.place);
  for (const SettingList& list : form.lists) {
    json[list.key] = nlohmann::ordered_json::array();
    for (size_t entry = 0; entry < list.size(); ++entry) {
      nlohmann::ordered_json one;
      for (size_t field = 0; field < list.fields.size(); ++field) {
        one[list.fields[field]] = value_of(list.place(entry, field));
      }
      json[list.key].push_back(std::move(one));
    }
  }
  return json;
}

std::string_view kind_of(const FieldPlace& place) {
  constexpr std::array<std::string_view, 5> kKinds = {"a text", "a number", "a whole number of 0 or more",
                                                      "true or false", "a list of texts"};
  return kKinds.at(place.index());
}

}  // namespace longscroll
