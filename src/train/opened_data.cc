#include "train/opened_data.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/document_set.h"
#include "data/mixture.h"
#include "data/token_shard.h"
#include "data/tokenizer_identity.h"

namespace longscroll::train {
namespace {

namespace fs = std::filesystem;

bool is_shards(const fs::path& path) {
  if (!fs::is_directory(path)) return path.extension() == data::kShardEnding;
  return std::any_of(
      fs::directory_iterator(path), fs::directory_iterator(),
      [](const fs::directory_entry& entry) { return entry.path().extension() == data::kShardEnding; });
}

data::ChatSettings chat_settings(const Recipe& recipe, const Model& model) {
  const std::optional<ChatFormat> format = recipe.data.chat == "auto"
                                               ? detect_chat_format(model.chat_metadata)
                                               : chat_format_from_name(recipe.data.chat);
  if (!format) {
    throw Error(ErrorKind::kUnsupported, model.path.string(),
                "must declare a chat form to learn answers in, has none",
                "data.chat names one: index, chatml, gemma or llama3");
  }
  return {*format, default_system_message(*format, model.chat_metadata)};
}

data::Documents open_documents(const Recipe& recipe, Stage stage, const std::string& path, const Model& model,
                               int threads, const data::ReadEvents& events) {
  if (stage == Stage::kPretrain || is_shards(path)) {
    return data::open_shards(data::find_shards({path}), data::identify(*model.tokenizer, recipe.model.path));
  }
  return data::read_instructions({path}, data::instruction_form_from_name(recipe.data.form), *model.tokenizer,
                                 chat_settings(recipe, model), threads, events);
}

data::PackSettings pack_settings(const Recipe& recipe, const Model& model) {
  data::PackSettings settings;
  settings.window = static_cast<uint32_t>(recipe.data.sequence_length);
  settings.mode = *data::packing_mode_from_name(recipe.data.packing);
  settings.seed = recipe.data.seed;
  settings.pad_id = model.tokenizer->eos().value_or(0);
  return settings;
}

OpenedPacks mix(std::vector<data::MixturePart> parts, const data::MixtureSettings& settings) {
  data::Mixture mixture = data::make_mixture(std::move(parts), settings);
  return {std::move(mixture.packs), std::move(mixture.remarks)};
}

data::MixtureSettings mixture_settings(const Recipe& recipe, const Model& model) {
  data::MixtureSettings settings;
  settings.packs = pack_settings(recipe, model);
  settings.too_long = recipe.data.too_long == "refuse" ? data::TooLong::kRefuse : data::TooLong::kLeaveOut;
  return settings;
}

// Each pack as one document: what stands in it sees all before it, and positions run on.
class WithoutDocumentMask final : public data::PackSource {
 public:
  explicit WithoutDocumentMask(std::unique_ptr<data::PackSource> packs) : packs_(std::move(packs)) {}

  data::Pack pack(uint64_t index) const override {
    data::Pack pack = packs_->pack(index);
    pack.starts = {0};
    return pack;
  }
  uint64_t packs_per_epoch() const override { return packs_->packs_per_epoch(); }
  std::string describe(uint64_t index) const override { return packs_->describe(index); }

 private:
  std::unique_ptr<data::PackSource> packs_;
};

}  // namespace

OpenedPacks open_training_packs(const Recipe& recipe, Stage stage, const Model& model, int threads,
                                const data::ReadEvents& events) {
  std::vector<data::MixturePart> parts;
  for (const SourceRecipe& source : recipe.data.sources) {
    parts.push_back({.name = source.path,
                     .documents = open_documents(recipe, stage, source.path, model, threads, events),
                     .weight = source.weight,
                     .count = source.count,
                     .ratio = source.ratio});
  }
  data::MixtureSettings settings = mixture_settings(recipe, model);
  for (const BucketRecipe& bucket : recipe.data.buckets)
    settings.buckets.push_back({bucket.from, bucket.weight});
  OpenedPacks opened = mix(std::move(parts), settings);
  if (!recipe.data.document_mask)
    opened.packs = std::make_unique<WithoutDocumentMask>(std::move(opened.packs));
  return opened;
}

OpenedPacks open_held_out(const Recipe& recipe, Stage stage, const Model& model, int threads,
                          const data::ReadEvents& events) {
  std::vector<data::MixturePart> parts;
  parts.push_back(
      {.name = recipe.evaluation.path,
       .documents = open_documents(recipe, stage, recipe.evaluation.path, model, threads, events)});
  return mix(std::move(parts), mixture_settings(recipe, model));
}

OpenedPairs open_pairs(const Recipe& recipe, const Model& model, int threads,
                       const data::ReadEvents& events) {
  std::vector<fs::path> paths;
  for (const SourceRecipe& source : recipe.data.sources) paths.emplace_back(source.path);
  OpenedPairs opened;
  opened.pairs =
      data::read_preferences(paths, *model.tokenizer, chat_settings(recipe, model), threads, events);
  opened.packs =
      std::make_unique<data::PackedDocuments>("preferences", opened.pairs, pack_settings(recipe, model));
  return opened;
}

}  // namespace longscroll::train
