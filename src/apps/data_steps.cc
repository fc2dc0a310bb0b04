// data import, clean, dedupe, paragraphs, decontaminate, score, mix: each step of the corpus chain as a
// command.
#include "apps/data_steps.h"

#include <algorithm>
#include <filesystem>
#include <mutex>

#include <fmt/format.h>

#include "apps/data_commands.h"
#include "apps/far_context.h"
#include "base/cpu_features.h"
#include "base/error.h"
#include "console/interrupt.h"
#include "console/terminal.h"
#include "corpus/plan.h"

namespace longscroll {
namespace {

struct StepOptions {
  std::vector<std::string> inputs;
  std::string out;
  std::vector<std::string> settings;
  std::string plan;
  std::string tokenizer;
  int workers = 0;
  bool force = false;
  bool json = false;
};

struct StepText {
  const char* name;
  const char* what;
  const char* inputs;
  const char* label;
  const char* footer;
};

constexpr StepText kStepTexts[] = {
    {"import", "Raw files to document shards",
     "Files and folders: .jsonl, .txt, .md, .html, .htm, .xhtml, also with .gz or .zst; .parquet, if built "
     "with "
     "LONGSCROLL_PARQUET",
     "Importing",
     "Example:\n  longscroll data import raw --out corpus/01-import\n"
     "  longscroll data import repositories --out corpus/01-code --set source_trees=true"},
    {"clean", "Repair documents; drop what is no text", "Document shards, and folders of them", "Cleaning",
     "Example:\n  longscroll data clean corpus/01-import --out corpus/02-clean --set languages='[\"en\", "
     "\"zh\"]'"},
    {"dedupe", "Of documents that are the same or nearly, keep the longest",
     "Document shards, and folders of them", "Comparing",
     "Example:\n  longscroll data dedupe corpus/02-clean --out corpus/03-dedupe --set threshold=0.8"},
    {"paragraphs", "Cut paragraphs that lie in many documents", "Document shards, and folders of them",
     "Comparing",
     "Example:\n  longscroll data paragraphs corpus/03-dedupe --out corpus/04-paragraphs --set documents=5"},
    {"decontaminate", "Drop documents that hold parts of evaluation sets",
     "Document shards, and folders of them", "Searching",
     "Example:\n  longscroll data decontaminate corpus/03-dedupe --out corpus/05-clean "
     "--set against='[\"eval\"]'"},
    {"score", "How much of a document's length is real: what far context is worth to a small model",
     "Document shards, and folders of them", "Reading",
     "Example:\n  longscroll data score corpus/05-decontaminate --out corpus/06-score --set "
     "model=smollm2-135m"},
    {"mix", "So many tokens of each source and length", "Document shards, and folders of them", "Mixing",
     "Example:\n  longscroll data mix corpus/05-clean --out corpus/06-mix --tokenizer smollm2-135m "
     "--set tokens=1000000000"}};

// "threshold=0.7" and "dedupe.threshold=0.7" are the same.
std::string full_key(const std::string& step, const std::string& assignment) {
  return assignment.starts_with(step + ".") ? assignment : step + "." + assignment;
}

std::string tally_line(const std::string& name, const Json& tally, uint64_t all) {
  const auto documents = tally.at("documents").get<uint64_t>();
  const double share = all == 0 ? 0 : 100.0 * static_cast<double>(documents) / static_cast<double>(all);
  return fmt::format("  {:<32}{:>14}{:>9.2f}%{:>14}\n", printable(name), format_count(documents), share,
                     format_bytes(tally.at("bytes").get<uint64_t>()));
}

Json sum_of(const Json& tallies) {
  uint64_t documents = 0, bytes = 0;
  for (const auto& [name, tally] : tallies.items()) {
    documents += tally.at("documents").get<uint64_t>();
    bytes += tally.at("bytes").get<uint64_t>();
  }
  return {{"documents", documents}, {"bytes", bytes}};
}

int run(const std::string& step, const char* label, const StepOptions& options) {
  corpus::Plan plan;
  if (!options.plan.empty()) read_settings(options.plan, form_of(plan));
  for (const std::string& setting : options.settings) {
    set_setting(full_key(step, setting), "--set", form_of_step(plan, step));
  }
  if (!options.tokenizer.empty()) plan.tokenizer = options.tokenizer;
  if (step == "mix" && plan.tokenizer.empty()) {
    throw Error(ErrorKind::kArgument, "--tokenizer",
                "must name a model, since mix counts tokens; is missing");
  }
  if (step == "score" && plan.score.model.empty()) {
    throw Error(ErrorKind::kArgument, "--set", "must name the model that reads, model=NAME; is missing");
  }
  corpus::StepRequest request;
  request.inputs.assign(options.inputs.begin(), options.inputs.end());
  request.out = options.out;
  request.replace = options.force;
  request.workers = options.workers > 0 ? options.workers : available_cores();
  StepProgress progress(label);
  const Json manifest = run_step(
      plan, step, request, {lazy_counter(plan.tokenizer), far_context_scorer(plan.score)}, progress.events());
  progress.finish();
  if (options.json) {
    write_json(manifest);
  } else {
    write_out(fmt::format("{}\n", options.out) + manifest_as_text(manifest));
  }
  return 0;
}

void add_step(CLI::App& data, Action& action, const StepText& text) {
  auto options = std::make_shared<StepOptions>();
  CLI::App* command = data.add_subcommand(text.name, text.what);
  command->add_option("INPUT", options->inputs, text.inputs)->required();
  command->add_option("--out", options->out, "The step's folder; one that was begun is gone on with")
      ->required();
  command
      ->add_option("--set", options->settings,
                   fmt::format("KEY=VALUE of the step's settings (docs/formats/plan.md, {})", text.name))
      ->allow_extra_args(false);
  command->add_option("--plan", options->plan, "Take settings from a plan");
  if (std::string_view(text.name) == "mix") {
    command->add_option("--tokenizer", options->tokenizer, "The model whose tokenizer counts");
  }
  command->add_option("--workers", options->workers, "Tasks at a time in this process (default: every core)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--force", options->force, "Replace what lies at --out; with one process alone");
  command->add_flag("--json", options->json, "The manifest on standard output");
  command->footer(text.footer);
  command->callback([&action, options, &text] {
    action = [options, &text] { return run(text.name, text.label, *options); };
  });
}

}  // namespace

data::ReadEvents StepProgress::events() {
  data::ReadEvents events;
  events.cancel = &interrupted();
  events.progress = [this](uint64_t done, uint64_t total) {
    if (!bar_ || done < last_) bar_.emplace(label_, "bytes");
    last_ = done;
    bar_->update(done, total);
  };
  return events;
}

corpus::CountTokens lazy_counter(const std::string& model) {
  struct Opened {
    std::once_flag once;
    std::shared_ptr<const Model> model;
  };
  auto opened = std::make_shared<Opened>();
  return [opened, model](std::string_view text) -> uint64_t {
    std::call_once(opened->once, [&] {
      ModelOptions options;
      options.model = model;
      opened->model = open_model(options, true, Packing::kNone);
    });
    return opened->model->tokenizer->encode(text, {.add_special = false, .parse_special = false}).size();
  };
}

std::string manifest_as_text(const Json& manifest) {
  const Json in = sum_of(manifest.at("in"));
  const auto all = in.at("documents").get<uint64_t>();
  std::string text = fmt::format("  {:<32}{:>14}{:>10}{:>14}\n", "", "documents", "", "text");
  text += tally_line("in", in, all);
  for (const auto& [reason, tally] : manifest.at("dropped").items())
    text += tally_line("- " + reason, tally, all);
  text += tally_line("out", sum_of(manifest.at("out")), all);
  for (const auto& [change, count] : manifest.at("changes").items()) {
    text += fmt::format("  {:<32}{:>14}\n", printable(change), format_count(count.get<uint64_t>()));
  }
  for (const auto& [kind, count] : manifest.at("faults").items()) {
    text += fmt::format("  {:<32}{:>14}  see faults.json\n", "fault: " + kind,
                        format_count(count.get<uint64_t>()));
  }
  return text;
}

void add_data_steps(CLI::App& data, Action& action) {
  for (const StepText& text : kStepTexts) add_step(data, action, text);
}

}  // namespace longscroll
