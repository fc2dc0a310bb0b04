#include <algorithm>
#include <filesystem>

#include "console/guarded.h"
#include "hub/paths.h"
#include "model/config_files.h"
#include "model/json_fields.h"
#include "model/model.h"
#include "train/communicator.h"
#include "train/device.h"
#include "train/lm_task.h"
#include "train/opened_data.h"
#include "train/plan.h"
#include "train_app/options.h"
#include "train_app/plan_text.h"

namespace longscroll::train {
namespace {

constexpr uint64_t kMeasuredPacks = 64;

struct Lengths {
  PackShape shape;
  uint64_t measured = 0;
  uint64_t packs_per_epoch = 0;
};

// From the data where they are here, else the dearest there can be.
Lengths lengths_of(const TrainOptions& options, const Recipe& recipe, const std::filesystem::path& path) {
  Lengths lengths{one_document(recipe.data.sequence_length), 0, 0};
  const bool here =
      std::all_of(recipe.data.sources.begin(), recipe.data.sources.end(),
                  [](const SourceRecipe& source) { return std::filesystem::exists(source.path); });
  if (!here) {
    write_remarks({"the data are not here: documents as long as a pack are assumed"});
    return lengths;
  }
  const auto model = load_model(path, {.need_tokenizer = true});
  OpenedPacks opened;
  if (options.stage == Stage::kPrefer) {
    opened.packs = std::move(open_pairs(recipe, *model, threads_for_process()).packs);
  } else {
    opened = open_training_packs(recipe, options.stage, *model, threads_for_process());
  }
  lengths.packs_per_epoch = opened.packs->packs_per_epoch();
  lengths.measured =
      lengths.packs_per_epoch > 0 ? std::min(kMeasuredPacks, lengths.packs_per_epoch) : kMeasuredPacks;
  lengths.shape = mean_shape(*opened.packs, lengths.measured);
  return lengths;
}

}  // namespace

Recipe load_recipe(const TrainOptions& options) {
  Recipe recipe = read_recipe(options.recipe);
  for (const std::string& setting : options.settings) set_field(recipe, setting);
  validate(recipe, options.stage);
  return recipe;
}

ModelConfig planned_config(const Recipe& recipe, const std::filesystem::path& model) {
  const auto file = model / "config.json";
  if (!std::filesystem::exists(file)) return trained_config(recipe, load_model(model)->config);
  return trained_config(recipe, config_from_hf(read_json_object(file), file.string()).config);
}

int show_plan(const TrainOptions& options) {
  const Recipe recipe = load_recipe(options);
  const std::filesystem::path path = resolve_model(recipe.model.path);
  const ModelConfig config = planned_config(recipe, path);
  Communicator alone;
  const Machine machine = options.machine.empty() ? this_machine(alone, choose_device(recipe.model.device),
                                                                 model_options(recipe, "cpu").compute)
                                                  : known_machine(options.machine);
  const Lengths lengths = lengths_of(options, recipe, path);
  const uint64_t steps = recipe.length.epochs > 0 && lengths.packs_per_epoch == 0
                             ? 1
                             : total_steps(recipe, lengths.packs_per_epoch);
  if (recipe.length.epochs > 0 && lengths.packs_per_epoch == 0) {
    write_remarks({"the end of the data is not known: the time is that of one step"});
  }
  const Forecast plan = forecast(recipe, config, machine, lengths.shape, steps);
  write_out(plan_text(plan, machine, recipe, lengths.shape, lengths.measured));
  require_fit(recipe, config, machine, lengths.shape);
  return 0;
}

}  // namespace longscroll::train
