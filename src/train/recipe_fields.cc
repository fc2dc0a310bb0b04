#include "train/recipe_fields.h"

#include <algorithm>
#include <array>

namespace longscroll::train {
namespace {

template <class T>
FieldPlace at(T& field) {
  return &field;
}

constexpr std::array kFields = {
    RecipeField{"model.path", [](Recipe& r) { return at(r.model.path); }},
    RecipeField{"model.compute", [](Recipe& r) { return at(r.model.compute); }},
    RecipeField{"model.rope_base", [](Recipe& r) { return at(r.model.rope_base); }},
    RecipeField{"model.window", [](Recipe& r) { return at(r.model.window); }},
    RecipeField{"model.checkpointing", [](Recipe& r) { return at(r.model.checkpointing); }},
    RecipeField{"model.keep_attention", [](Recipe& r) { return at(r.model.keep_attention); }},
    RecipeField{"model.loss_chunk", [](Recipe& r) { return at(r.model.loss_chunk); }},
    RecipeField{"model.ffn_chunk", [](Recipe& r) { return at(r.model.ffn_chunk); }},
    RecipeField{"model.device", [](Recipe& r) { return at(r.model.device); }},
    RecipeField{"lora.rank", [](Recipe& r) { return at(r.lora.rank); }},
    RecipeField{"lora.alpha", [](Recipe& r) { return at(r.lora.alpha); }},
    RecipeField{"lora.targets", [](Recipe& r) { return at(r.lora.targets); }},
    RecipeField{"lora.train_embeddings", [](Recipe& r) { return at(r.lora.train_embeddings); }},
    RecipeField{"lora.train_norms", [](Recipe& r) { return at(r.lora.train_norms); }},
    RecipeField{"data.packing", [](Recipe& r) { return at(r.data.packing); }},
    RecipeField{"data.too_long", [](Recipe& r) { return at(r.data.too_long); }},
    RecipeField{"data.sequence_length", [](Recipe& r) { return at(r.data.sequence_length); }},
    RecipeField{"data.seed", [](Recipe& r) { return at(r.data.seed); }},
    RecipeField{"data.chat", [](Recipe& r) { return at(r.data.chat); }},
    RecipeField{"data.form", [](Recipe& r) { return at(r.data.form); }},
    RecipeField{"data.reference", [](Recipe& r) { return at(r.data.reference); }},
    RecipeField{"batch.tokens", [](Recipe& r) { return at(r.batch.tokens); }},
    RecipeField{"length.steps", [](Recipe& r) { return at(r.length.steps); }},
    RecipeField{"length.tokens", [](Recipe& r) { return at(r.length.tokens); }},
    RecipeField{"length.epochs", [](Recipe& r) { return at(r.length.epochs); }},
    RecipeField{"optimizer.learning_rate", [](Recipe& r) { return at(r.optimizer.learning_rate); }},
    RecipeField{"optimizer.final_learning_rate",
                [](Recipe& r) { return at(r.optimizer.final_learning_rate); }},
    RecipeField{"optimizer.warmup_steps", [](Recipe& r) { return at(r.optimizer.warmup_steps); }},
    RecipeField{"optimizer.beta1", [](Recipe& r) { return at(r.optimizer.beta1); }},
    RecipeField{"optimizer.beta2", [](Recipe& r) { return at(r.optimizer.beta2); }},
    RecipeField{"optimizer.epsilon", [](Recipe& r) { return at(r.optimizer.epsilon); }},
    RecipeField{"optimizer.weight_decay", [](Recipe& r) { return at(r.optimizer.weight_decay); }},
    RecipeField{"optimizer.clip_norm", [](Recipe& r) { return at(r.optimizer.clip_norm); }},
    RecipeField{"preference.beta", [](Recipe& r) { return at(r.preference.beta); }},
    RecipeField{"preference.label_smoothing", [](Recipe& r) { return at(r.preference.label_smoothing); }},
    RecipeField{"evaluation.path", [](Recipe& r) { return at(r.evaluation.path); }},
    RecipeField{"evaluation.every", [](Recipe& r) { return at(r.evaluation.every); }},
    RecipeField{"evaluation.packs", [](Recipe& r) { return at(r.evaluation.packs); }},
    RecipeField{"evaluation.bucket", [](Recipe& r) { return at(r.evaluation.bucket); }},
    RecipeField{"evaluation.command", [](Recipe& r) { return at(r.evaluation.command); }},
    RecipeField{"run.out", [](Recipe& r) { return at(r.run.out); }},
    RecipeField{"run.checkpoint_every", [](Recipe& r) { return at(r.run.checkpoint_every); }},
    RecipeField{"run.keep", [](Recipe& r) { return at(r.run.keep); }},
    RecipeField{"run.save_type", [](Recipe& r) { return at(r.run.save_type); }},
    RecipeField{"run.spike_factor", [](Recipe& r) { return at(r.run.spike_factor); }},
    RecipeField{"run.spike_window", [](Recipe& r) { return at(r.run.spike_window); }},
};

FieldPlace source_place(Recipe& recipe, size_t entry, size_t field) {
  SourceRecipe& source = recipe.data.sources[entry];
  const std::array<FieldPlace, 4> places = {&source.path, &source.weight, &source.count, &source.ratio};
  return places.at(field);
}

FieldPlace bucket_place(Recipe& recipe, size_t entry, size_t field) {
  BucketRecipe& bucket = recipe.data.buckets[entry];
  const std::array<FieldPlace, 2> places = {&bucket.from, &bucket.weight};
  return places.at(field);
}

// Optimal string alignment distance: Levenshtein's, with a swap of neighbours as one edit.
size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

std::string_view last_part(std::string_view key) {
  return key.substr(key.rfind('.') + 1);  // npos + 1 is 0: the whole
}

}  // namespace

std::span<const RecipeField> recipe_fields() {
  return kFields;
}

std::span<const RecipeList> recipe_lists() {
  static const std::array<RecipeList, 2> kLists = {{
      {"data.sources",
       {"path", "weight", "count", "ratio"},
       [](const Recipe& r) { return r.data.sources.size(); },
       [](Recipe& r) { r.data.sources.emplace_back(); },
       source_place},
      {"data.buckets",
       {"from", "weight"},
       [](const Recipe& r) { return r.data.buckets.size(); },
       [](Recipe& r) { r.data.buckets.emplace_back(); },
       bucket_place},
  }};
  return kLists;
}

std::string_view kind_of(const FieldPlace& place) {
  constexpr std::array<std::string_view, 5> kKinds = {"a text", "a number", "a whole number of 0 or more",
                                                      "true or false", "a list of texts"};
  return kKinds.at(place.index());
}

std::string nearest_key(std::string_view key, std::span<const std::string> keys) {
  // In another table, or in none: what it is called matters more than where it stands.
  for (const std::string& candidate : keys) {
    if (last_part(candidate) == last_part(key)) return candidate;
  }
  std::string nearest;
  size_t fewest = std::max<size_t>(2, key.size() / 3) + 1;
  for (const std::string& candidate : keys) {
    const size_t whole = edits(key, candidate);
    const size_t part = edits(last_part(key), last_part(candidate)) + 1;  // a right table is worth one edit
    const size_t needed = last_part(key).size() > 3 ? std::min(whole, part) : whole;
    if (needed < fewest) {
      fewest = needed;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace longscroll::train
