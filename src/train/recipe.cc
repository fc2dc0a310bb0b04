#include "train/recipe.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "train/recipe_fields.h"

namespace longscroll::train {

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
  Recipe recipe;
  parse_settings(text, where, form_of(recipe));
  return recipe;
}

Recipe read_recipe(const std::filesystem::path& path) {
  Recipe recipe;
  read_settings(path, form_of(recipe));
  return recipe;
}

void set_field(Recipe& recipe, std::string_view assignment) {
  set_setting(assignment, "--set", form_of(recipe));
}

std::string course_difference(const Recipe& before, const Recipe& now) {
  // Chunks cut sums in other places, which float32 shows in its last digits: they count as a change.
  constexpr std::array<std::string_view, 6> kFree = {
      "run.", "evaluation.", "model.checkpointing", "model.keep_attention", "model.device", "data.reference"};
  Recipe a = before, b = now;
  const auto difference = [](std::string_view key, const FieldPlace& was, const FieldPlace& is) {
    if (setting_text(was) == setting_text(is)) return std::string();
    return fmt::format("{} was {}, is {}", key, setting_text(was), setting_text(is));
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
  Recipe copy = recipe;  // the form's places are of a Recipe that can be changed
  return write_settings(form_of(copy));
}

}  // namespace longscroll::train
