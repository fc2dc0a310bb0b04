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
    RecipeField{"data.document_mask", [](Recipe& r) { return at(r.data.document_mask); }},
    RecipeField{"data.too_long", [](Recipe& r) { return at(r.data.too_long); }},
    RecipeField{"data.sequence_length", [](Recipe& r) { return at(r.data.sequence_length); }},
    RecipeField{"data.seed", [](Recipe& r) { return at(r.data.seed); }},
    RecipeField{"data.chat", [](Recipe& r) { return at(r.data.chat); }},
    RecipeField{"data.form", [](Recipe& r) { return at(r.data.form); }},
    RecipeField{"data.reference", [](Recipe& r) { return at(r.data.reference); }},
    RecipeField{"batch.tokens", [](Recipe& r) { return at(r.batch.tokens); }},
    RecipeField{"batch.micro_tokens", [](Recipe& r) { return at(r.batch.micro_tokens); }},
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

SettingsForm form_of(Recipe& recipe) {
  SettingsForm form{"a recipe", "docs/formats/recipe.md", {}, {}};
  for (const RecipeField& field : recipe_fields()) {
    form.fields.push_back({std::string(field.key), field.place(recipe)});
  }
  for (const RecipeList& list : recipe_lists()) {
    form.lists.push_back(
        {std::string(list.key),
         {list.fields.begin(), list.fields.end()},
         [&list, &recipe] { return list.size(recipe); },
         [&list, &recipe] { list.grow(recipe); },
         [&list, &recipe](size_t entry, size_t field) { return list.place(recipe, entry, field); }});
  }
  return form;
}

}  // namespace longscroll::train
