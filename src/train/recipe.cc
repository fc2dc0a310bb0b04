#include "train/recipe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/utf8.h"
#include "train/recipe_fields.h"

namespace longscroll::train {
namespace {

constexpr uint64_t kMaxRecipeBytes = uint64_t{1} << 20;

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
                             std::string_view of_what) {
  const std::string nearest = nearest_key(key, keys);
  refuse(
      place, fmt::format("must be a key of {}, found {}", of_what, key),
      nearest.empty() ? "docs/formats/recipe.md lists the keys" : fmt::format("did you mean {}?", nearest));
}

std::vector<std::string> keys_of(const RecipeList& list) {
  return {list.fields.begin(), list.fields.end()};
}

template <class Named>
const Named* find(std::span<const Named> all, std::string_view key) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.key == key; });
  return found == all.end() ? nullptr : &*found;
}

std::optional<size_t> find_field(const RecipeList& list, std::string_view key) {
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

class RecipeReader {
 public:
  explicit RecipeReader(std::string file) : file_(std::move(file)) {}

  Recipe read(const toml::table& table) {
    read_table(table, "");
    return std::move(recipe_);
  }

 private:
  Place place(const toml::key& key) const { return {file_, key.source().begin.line}; }

  void read_table(const toml::table& table, const std::string& prefix) {
    for (auto&& [key, node] : table) {
      const std::string full = prefix + std::string(key.str());
      if (const RecipeList* list = find(recipe_lists(), full)) {
        read_list(node, *list, place(key));
      } else if (const RecipeField* field = find(recipe_fields(), full)) {
        Assign(node, place(key), full).to(field->place(recipe_));
      } else if (node.is_table() && is_table_name(full)) {
        read_table(*node.as_table(), full + ".");
      } else {
        const std::vector<std::string> keys = recipe_keys();
        refuse_key(place(key), full, keys, "a recipe");
      }
    }
  }

  void read_list(const toml::node& node, const RecipeList& list, const Place& where) {
    const toml::array* entries = node.as_array();
    if (entries == nullptr) refuse(where, fmt::format("{0} must be a list of tables: [[{0}]]", list.key));
    for (const toml::node& entry : *entries) {
      if (!entry.is_table()) refuse(where, fmt::format("{0} must hold tables alone: [[{0}]]", list.key));
      list.grow(recipe_);
      read_entry(*entry.as_table(), list);
    }
  }

  void read_entry(const toml::table& table, const RecipeList& list) {
    const size_t last = list.size(recipe_) - 1;
    for (auto&& [key, node] : table) {
      const std::optional<size_t> field = find_field(list, key.str());
      const std::vector<std::string> keys = keys_of(list);
      if (!field) refuse_key(place(key), key.str(), keys, fmt::format("[[{}]]", list.key));
      Assign(node, place(key), key.str()).to(list.place(recipe_, last, *field));
    }
  }

  static bool is_table_name(const std::string& name) {
    for (const RecipeField& field : recipe_fields()) {
      if (field.key.starts_with(name + ".")) return true;
    }
    return false;
  }

  std::string file_;
  Recipe recipe_;
};

// "0.path", behind the key of a list.
FieldPlace entry_to_set(Recipe& recipe, const RecipeList& list, std::string_view rest) {
  const Place place{"--set", 0};
  const size_t dot = rest.find('.');
  const std::string_view number = rest.substr(0, dot);
  const std::string_view name = dot == std::string_view::npos ? "" : rest.substr(dot + 1);
  const size_t size = list.size(recipe);
  size_t entry = 0;
  while (entry < size && number != std::to_string(entry)) ++entry;
  if (entry == size) {
    refuse(place,
           fmt::format("{}.{} must name one of the recipe's {}, counted from 0", list.key, rest, size));
  }
  const std::optional<size_t> field = find_field(list, name);
  const std::vector<std::string> keys = keys_of(list);
  if (!field) refuse_key(place, name, keys, fmt::format("[[{}]]", list.key));
  return list.place(recipe, entry, *field);
}

// The place that a key of --set names.
FieldPlace field_to_set(Recipe& recipe, std::string_view key) {
  if (const RecipeField* field = find(recipe_fields(), key)) return field->place(recipe);
  for (const RecipeList& list : recipe_lists()) {
    if (key.starts_with(std::string(list.key) + ".")) {
      return entry_to_set(recipe, list, key.substr(list.key.size() + 1));
    }
  }
  const std::vector<std::string> keys = recipe_keys();
  refuse_key({"--set", 0}, key, keys, "a recipe");
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

std::string toml_value(const FieldPlace& place) {
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

}  // namespace

const char* to_string(Stage stage) {
  switch (stage) {
    case Stage::kPretrain:
      return "pt";
    case Stage::kInstruct:
      return "sft";
    case Stage::kPrefer:
      return "dpo";
  }
  return "unknown";
}

std::vector<std::string> recipe_keys() {
  std::vector<std::string> keys;
  for (const RecipeField& field : recipe_fields()) keys.emplace_back(field.key);
  for (const RecipeList& list : recipe_lists()) keys.emplace_back(list.key);
  return keys;
}

Recipe parse_recipe(std::string_view text, const std::string& where) {
  if (!is_valid_utf8(text)) throw Error(ErrorKind::kFile, where, "must be UTF-8, is not");
  try {
    return RecipeReader(where).read(toml::parse(text, where));
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kFile, Place{where, error.source().begin.line}.text(),
                fmt::format("must be TOML, found: {}", error.description()));
  }
}

Recipe read_recipe(const std::filesystem::path& path) {
  std::error_code failure;
  const uint64_t size = std::filesystem::file_size(path, failure);
  if (failure) throw Error(ErrorKind::kFile, path.string(), "must be a recipe, found: " + failure.message());
  if (size > kMaxRecipeBytes) {
    throw Error(ErrorKind::kFile, path.string(),
                fmt::format("must be a recipe of at most {} bytes, has {}", kMaxRecipeBytes, size));
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw Error(ErrorKind::kFile, path.string(), "must be readable, is not");
  return parse_recipe(text, path.string());
}

void set_field(Recipe& recipe, std::string_view assignment) {
  const Place place{"--set", 0};
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    refuse(place, fmt::format("must be KEY=VALUE, is {}", assignment));
  }
  const std::string_view key = assignment.substr(0, equals);
  const std::string_view value = assignment.substr(equals + 1);
  const FieldPlace field = field_to_set(recipe, key);
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

std::string course_difference(const Recipe& before, const Recipe& now) {
  // Chunks cut sums in other places, which float32 shows in its last digits: they count as a change.
  constexpr std::array<std::string_view, 6> kFree = {
      "run.", "evaluation.", "model.checkpointing", "model.keep_attention", "model.device", "data.reference"};
  Recipe a = before, b = now;
  const auto difference = [](std::string_view key, const FieldPlace& was, const FieldPlace& is) {
    if (toml_value(was) == toml_value(is)) return std::string();
    return fmt::format("{} was {}, is {}", key, toml_value(was), toml_value(is));
  };
  for (const RecipeField& field : recipe_fields()) {
    const bool is_free = std::any_of(kFree.begin(), kFree.end(),
                                     [&](std::string_view prefix) { return field.key.starts_with(prefix); });
    const std::string found = is_free ? "" : difference(field.key, field.place(a), field.place(b));
    if (!found.empty()) return found;
  }
  for (const RecipeList& list : recipe_lists()) {
    const size_t size = list.size(a);
    if (size != list.size(b)) {
      return fmt::format("{} had {} entries, has {}", list.key, size, list.size(b));
    }
    for (size_t entry = 0; entry < size; ++entry) {
      for (size_t field = 0; field < list.fields.size(); ++field) {
        const std::string key = fmt::format("{}.{}.{}", list.key, entry, list.fields[field]);
        const std::string found = difference(key, list.place(a, entry, field), list.place(b, entry, field));
        if (!found.empty()) return found;
      }
    }
  }
  return "";
}

std::string write_recipe(const Recipe& recipe) {
  Recipe copy = recipe;  // the table's places are of a Recipe that can be changed
  std::string out;
  std::string_view table;
  for (const RecipeField& field : recipe_fields()) {
    const size_t dot = field.key.find('.');
    if (field.key.substr(0, dot) != table) {
      table = field.key.substr(0, dot);
      out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", table);
    }
    out += fmt::format("{} = {}\n", field.key.substr(dot + 1), toml_value(field.place(copy)));
  }
  for (const RecipeList& list : recipe_lists()) {
    for (size_t entry = 0; entry < list.size(copy); ++entry) {
      out += fmt::format("\n[[{}]]\n", list.key);
      for (size_t field = 0; field < list.fields.size(); ++field) {
        out += fmt::format("{} = {}\n", list.fields[field], toml_value(list.place(copy, entry, field)));
      }
    }
  }
  return out;
}

}  // namespace longscroll::train
