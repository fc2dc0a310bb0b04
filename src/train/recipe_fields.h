// The table of a recipe's fields: key and place, once, for reading, overriding and writing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/settings.h"
#include "train/recipe.h"

namespace longscroll::train {

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

// All of them with their places in `recipe`, which must outlive the form.
SettingsForm form_of(Recipe& recipe);

}  // namespace longscroll::train
