// A plan: the whole chain as one TOML file (docs/formats/plan.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "corpus/clean.h"
#include "corpus/decontaminate.h"
#include "corpus/dedupe.h"
#include "corpus/importer.h"
#include "corpus/mix.h"
#include "corpus/paragraphs.h"
#include "corpus/score.h"
#include "formats/settings.h"

namespace longscroll::corpus {

struct Plan {
  std::string out;                  // folder of the steps' folders
  std::vector<std::string> inputs;  // what is imported
  std::vector<std::string> steps = {"import", "clean", "dedupe", "paragraphs", "decontaminate", "mix"};
  std::string tokenizer;  // a model: what `mix` and the figures count tokens with
  ImportSettings import;
  CleanSettings clean;
  DedupeSettings dedupe;
  ParagraphSettings paragraphs;
  DecontaminateSettings decontaminate;
  ScoreSettings score;
  MixSettings mix;
};

// The plan's fields; `plan` must outlive them.
SettingsForm form_of(Plan& plan);

// A single step's fields, under the same keys: what `longscroll data STEP --set KEY=VALUE` takes.
SettingsForm form_of_step(Plan& plan, const std::string& step);

// Throws Error(kArgument): a step that there is not, or twice, or not in the order of the chain; import
// missing or not first; no `out` or `inputs`; mix without a tokenizer; score without a model; decontaminate
// without anything to hold against.
void validate(const Plan& plan);

// "02-clean": each step's folder in `out`.
std::filesystem::path step_folder(const Plan& plan, size_t step);

// What steps ask of models, so that this layer opens none.
struct PlanModels {
  CountTokens count_tokens;  // mix
  ScoreText score_text;      // score
};

struct PlanEvents {
  std::function<void(const std::string& step)> begin;
  std::function<void(const std::string& step, const Json& manifest)> end;
  data::ReadEvents work;  // asked for after begin()
};

// Runs what is not done. Throws as the steps do; what was done stays.
void run_plan(const Plan& plan, const PlanModels& models, int workers, const PlanEvents& events);

// One step of a plan, on these inputs: what its command runs.
Json run_step(const Plan& plan, const std::string& step, const StepRequest& request, const PlanModels& models,
              const data::ReadEvents& events);

}  // namespace longscroll::corpus
