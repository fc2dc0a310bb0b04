#include "corpus/plan.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "corpus/mix_cells.h"

namespace longscroll::corpus {
namespace {

constexpr std::array<std::string_view, 7> kChain = {"import",        "clean", "dedupe", "paragraphs",
                                                    "decontaminate", "score", "mix"};

std::vector<SettingField> fields_of_step(Plan& plan, std::string_view step) {
  if (step == "import") return fields_of(plan.import);
  if (step == "clean") return fields_of(plan.clean);
  if (step == "dedupe") return fields_of(plan.dedupe);
  if (step == "paragraphs") return fields_of(plan.paragraphs);
  if (step == "decontaminate") return fields_of(plan.decontaminate);
  if (step == "score") return fields_of(plan.score);
  return fields_of(plan.mix);
}

[[noreturn]] void refuse(const std::string& key, const std::string& what, std::string hint = {}) {
  throw Error(ErrorKind::kArgument, key, what, std::move(hint));
}

void validate_steps(const std::vector<std::string>& steps) {
  auto next = kChain.begin();
  for (const std::string& step : steps) {
    const auto found = std::find(next, kChain.end(), step);
    if (found == kChain.end()) {
      const bool is_known = std::find(kChain.begin(), kChain.end(), step) != kChain.end();
      refuse("steps",
             is_known ? fmt::format("must be in the order of the chain and once, found {}", step)
                      : fmt::format("must be steps of the chain, found {}", step),
             "import, clean, dedupe, paragraphs, decontaminate, score, mix");
    }
    next = std::next(found);
  }
  if (steps.empty() || steps.front() != "import") refuse("steps", "must begin with import, do not");
}

}  // namespace

SettingsForm form_of(Plan& plan) {
  SettingsForm form{"a plan", "docs/formats/plan.md", {}, lists_of(plan.mix)};
  form.fields = {
      {"out", &plan.out}, {"inputs", &plan.inputs}, {"steps", &plan.steps}, {"tokenizer", &plan.tokenizer}};
  for (const std::string_view step : kChain) {
    for (SettingField& field : fields_of_step(plan, step)) form.fields.push_back(std::move(field));
  }
  return form;
}

SettingsForm form_of_step(Plan& plan, const std::string& step) {
  SettingsForm form{"the step " + step, "docs/formats/plan.md", fields_of_step(plan, step), {}};
  if (step == "mix") form.lists = lists_of(plan.mix);
  return form;
}

void validate(const Plan& plan) {
  if (plan.out.empty()) refuse("out", "must be the folder to work in, is empty");
  if (plan.inputs.empty()) refuse("inputs", "must name what is imported, is empty");
  validate_steps(plan.steps);
  const auto has = [&](const char* step) {
    return std::find(plan.steps.begin(), plan.steps.end(), step) != plan.steps.end();
  };
  if (has("mix")) {
    validate(plan.mix);
    if (plan.tokenizer.empty()) refuse("tokenizer", "must name a model, since mix counts tokens; is empty");
  }
  if (has("score") && plan.score.model.empty()) refuse("score.model", "must name a model, is empty");
  if (has("decontaminate") && plan.decontaminate.against.empty()) {
    refuse("decontaminate.against", "must name evaluation sets, is empty",
           "or leave decontaminate out of the steps");
  }
}

std::filesystem::path step_folder(const Plan& plan, size_t step) {
  return std::filesystem::path(plan.out) / fmt::format("{:02}-{}", step + 1, plan.steps[step]);
}

Json run_step(const Plan& plan, const std::string& step, const StepRequest& request, const PlanModels& models,
              const data::ReadEvents& events) {
  if (step == "import") return import_corpus(request, plan.import, events);
  if (step == "clean") return clean_corpus(request, plan.clean, events);
  if (step == "dedupe") return dedupe_corpus(request, plan.dedupe, events);
  if (step == "paragraphs") return cut_repeated_paragraphs(request, plan.paragraphs, events);
  if (step == "decontaminate") return decontaminate_corpus(request, plan.decontaminate, events);
  if (step == "score") return score_corpus(request, plan.score, models.score_text, events);
  if (step == "mix") return mix_corpus(request, plan.mix, plan.tokenizer, models.count_tokens, events);
  refuse("step", fmt::format("must be a step of the chain, found {}", step));
}

void run_plan(const Plan& plan, const PlanModels& models, int workers, const PlanEvents& events) {
  validate(plan);
  StepRequest request;
  request.inputs.assign(plan.inputs.begin(), plan.inputs.end());
  request.workers = workers;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    request.out = step_folder(plan, i);
    if (events.begin) events.begin(plan.steps[i]);
    const Json manifest = run_step(plan, plan.steps[i], request, models, events.work);
    if (events.end) events.end(plan.steps[i], manifest);
    request.inputs = {request.out};
  }
}

}  // namespace longscroll::corpus
