// The data of a recipe as streams of packs: the one place that knows how a stage's files are read.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/instructions.h"
#include "data/pack.h"
#include "data/packed_documents.h"
#include "data/preferences.h"
#include "model/model.h"
#include "train/recipe.h"

namespace longscroll::train {

struct OpenedPacks {
  std::unique_ptr<data::PackSource> packs;
  std::vector<std::string> remarks;
};

// pt: token shards. sft: token shards of instructions, or records. `model` has a tokenizer. Throws what data/
// does: Error(kFile) for broken files and for shards of another tokenizer, Error(kArgument) for settings that
// contradict each other; Error(kUnsupported) when the model has no chat form and the recipe names none.
OpenedPacks open_training_packs(const Recipe& recipe, Stage stage, const Model& model, int threads,
                                const data::ReadEvents& events = {});

// The held-out documents of evaluation.path: all of them, in packs of the recipe's length.
OpenedPacks open_held_out(const Recipe& recipe, Stage stage, const Model& model, int threads,
                          const data::ReadEvents& events = {});

struct OpenedPairs {
  std::shared_ptr<const data::PreferencePairs> pairs;
  std::unique_ptr<data::PackedDocuments> packs;  // documents 2k and 2k + 1 of a pack are its pair k
};
OpenedPairs open_pairs(const Recipe& recipe, const Model& model, int threads,
                       const data::ReadEvents& events = {});

}  // namespace longscroll::train
