// The table of a recipe's fields: key and place, once, for reading, overriding and writing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "train/recipe.h"

namespace longscroll::train {

using FieldPlace = std::variant<std::string*, double*, uint64_t*, bool*, std::vector<std::string>*>;

struct RecipeField {
  std::string_view key;  // "optimizer.learning_rate"
  FieldPlace (*place)(Recipe&);
};

// A list of tables, such as [[data.sources]].
struct RecipeList {
  std::string_view key;                  // "data.sources"
  std::vector<std::string_view> fields;  // "path", …
  size_t (*size)(const Recipe&);
  void (*grow)(Recipe&);  // by one, with the defaults
  FieldPlace (*place)(Recipe&, size_t entry, size_t field);
};

std::span<const RecipeField> recipe_fields();
std::span<const RecipeList> recipe_lists();

// What a field of that place takes, for messages: "a text", "a number", ….
std::string_view kind_of(const FieldPlace& place);

// The key of `keys` that takes the fewest edits (insert, delete, replace, swap neighbours) to become `key`,
// if that is at most a third of its length or, for a key without its table, the same last part; else empty.
std::string nearest_key(std::string_view key, std::span<const std::string> keys);

}  // namespace longscroll::train
