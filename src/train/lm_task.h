// Language models as tasks of the training loop: next tokens and answers (pt, sft), preferences (dpo). The
// one place where the loop's side meets the model's.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/packed_documents.h"
#include "train/communicator.h"
#include "train/language_model.h"
#include "train/opened_data.h"
#include "train/recipe.h"
#include "train/reference_file.h"
#include "train/task.h"

namespace longscroll::train {

struct OpenedModel {
  std::shared_ptr<const Model> source;  // tokenizer and metadata; its weights are not read a second time
  std::shared_ptr<LanguageModel> lm;
  std::vector<std::string> remarks;
};

// The configuration that the recipe trains: the model's own with the recipe's rotary base and window. Throws
// Error(kArgument) when the recipe's packs are longer than the window.
ModelConfig trained_config(const Recipe& recipe, const ModelConfig& config);

// `path`: where recipe.model.path lies on this machine. `device` as torch spells it. Throws what load_model,
// LanguageModel and load_weights do.
OpenedModel open_language_model(const Recipe& recipe, const std::filesystem::path& path,
                                const std::string& device);

// A checkpoint's model: the adapter in PEFT's form where there is one, else all weights, in run.save_type.
void save_checkpoint_model(const OpenedModel& model, const Recipe& recipe,
                           const std::filesystem::path& directory);

// The model to use: adapters merged. Through a temporary name; replaces what a run before wrote there.
std::vector<std::string> export_model(const OpenedModel& model, const Recipe& recipe,
                                      const std::filesystem::path& directory);

std::unique_ptr<Task> make_language_task(const OpenedModel& model, const Recipe& recipe,
                                         std::unique_ptr<data::PackSource> packs);

// Collective: computes the reference where `file` is not there yet, so the model must still be the one that
// was loaded. Throws what ReferenceFile does.
std::vector<float> reference_log_probs(const OpenedModel& model, const OpenedPairs& pairs,
                                       const ReferenceFile& file, Communicator& communicator);

// `reference`: two values a pair, as reference_log_probs() gives them.
std::unique_ptr<Task> make_preference_task(const OpenedModel& model, const Recipe& recipe, OpenedPairs pairs,
                                           std::vector<float> reference);

}  // namespace longscroll::train
