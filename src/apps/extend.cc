// extend: a longer window for a model, from base to report.
#include <filesystem>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/extend_page.h"
#include "apps/extend_run.h"
#include "console/interrupt.h"
#include "console/terminal.h"

namespace longscroll {
namespace {

Json side_to_json(const std::vector<report::BeforeAfter>& values) {
  const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  Json json = Json::array();
  for (const report::BeforeAfter& at : values)
    json.push_back({{"length", at.length}, {"before", number(at.before)}, {"after", number(at.after)}});
  return json;
}

Json describe(const ExtendRun& run, const report::Extension& extension) {
  const std::filesystem::path out = run.plan.out();
  Json stages = Json::array();
  for (const EndedStage& ended : run.stages)
    stages.push_back({{"name", ended.stage.name}, {"seconds", ended.seconds}, {"before", ended.before}});
  return {{"model", run.plan.settings.model},
          {"out", run.plan.settings.out},
          {"trained_window", run.plan.old_window},
          {"window", run.plan.settings.window},
          {"trained_base", run.rope.trained.base},
          {"critical_base", run.rope.wanted.critical_base},
          {"lowest_base", run.rope.wanted.lowest_base},
          {"suggested_base", run.rope.suggested},
          {"base", run.plan.base},
          {"result", (out / kModelStage).string()},
          {"report", (out / kReportStage / "index.html").string()},
          {"perplexity", side_to_json(report::perplexities(extension.map))},
          {"needle", side_to_json(extension.needle)},
          {"stages", std::move(stages)}};
}

std::string table_of(const char* title, const std::vector<report::BeforeAfter>& values, int decimals) {
  const auto number = [decimals](const std::optional<double>& value) {
    return value ? fmt::format("{:.{}f}", *value, decimals) : "-";
  };
  std::string text = fmt::format("{:<28}{:>12}{:>12}\n", title, "before", "after");
  for (const report::BeforeAfter& at : values)
    text += fmt::format("{:<28}{:>12}{:>12}\n", format_count(at.length) + " tokens", number(at.before),
                        number(at.after));
  return text;
}

int extend(const ExtendSettings& settings, bool json) {
  install_stop_handlers();  // a batch queue's signals too: training saves its last step
  const ExtendRun run = run_extend(settings);
  const report::Extension extension = read_extension(run);
  if (json) {
    write_json(describe(run, extension));
    return 0;
  }
  std::string text = table_of("perplexity", report::perplexities(extension.map), 4);
  if (!extension.needle.empty()) text += "\n" + table_of("needle", extension.needle, 1);
  write_out(text + fmt::format("\nthe model is in {}, the report in {}\n",
                               (run.plan.out() / kModelStage).string(),
                               (run.plan.out() / kReportStage / "index.html").string()));
  return 0;
}

void add_training_options(CLI::App& command, ExtendSettings& settings) {
  command.add_option("--tokens", settings.tokens, "Of Long PT; the Index-1.9B-32K report has 10 billion")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      .add_option("--batch-tokens", settings.batch_tokens,
                  "Of a step: whole windows (default: 65,536 together; the report: 4 million)")
      ->check(CLI::PositiveNumber);
  command.add_option("--learning-rate", settings.learning_rate, "The peak; the report: 1e-5")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI::Option* sft = command
                         .add_option("--sft", settings.sft,
                                     "Instructions for Long SFT: .jsonl, .json, or token shards of them")
                         ->check(CLI::ExistingPath);
  command.add_option("--sft-epochs", settings.sft_epochs)
      ->needs(sft)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--sft-learning-rate", settings.sft_learning_rate, "Default: half of Long PT's")
      ->needs(sft)
      ->check(CLI::PositiveNumber);
  command
      .add_option(
          "--pt-recipe", settings.pt_recipe,
          "A recipe instead of these options; model.path, model.rope_base, model.window and run.out are "
          "set, and data.sources where it has none")
      ->check(CLI::ExistingFile);
  command.add_option("--sft-recipe", settings.sft_recipe, "The same for Long SFT")
      ->needs(sft)
      ->check(CLI::ExistingFile);
}

void add_measuring_options(CLI::App& command, ExtendSettings& settings) {
  command.add_option("--text-field", settings.text_field, "Where a JSONL record has its text")
      ->capture_default_str();
  command.add_option("--held-out", settings.held_out, "Share of the documents that is not trained on")
      ->check(CLI::Range(0.0, 0.5))
      ->capture_default_str();
  command.add_option("--texts", settings.texts, "Documents longer than the window to measure on")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command
      .add_option("--needle-repeats", settings.needle_repeats,
                  "Prompts of each length and depth; 0: no needle")
      ->capture_default_str();
  CLI::Option* suite = command.add_option(
      "--suite", settings.suite, "Asked instead of the needle: one of `longscroll eval`, or a suite file");
  command.add_option("--suite-data", settings.suite_data, "Its data files")->needs(suite);
}

}  // namespace

void add_extend_command(CLI::App& program, Action& action) {
  auto settings = std::make_shared<ExtendSettings>();
  auto json = std::make_shared<bool>(false);
  CLI::App* command = program.add_subcommand(
      "extend", "Train a model to a longer window: base, corpus, Long PT, Long SFT, before and after");
  command->add_option("MODEL", settings->model, "A Hugging Face directory, a .gguf file, or a known name")
      ->required();
  command->add_option("--window", settings->window, "Tokens that it is to read")
      ->required()
      ->check(CLI::Range(uint64_t{32}, uint64_t{1} << 22));
  command
      ->add_option("--base", settings->base, "Rotary base (default: what `longscroll rope plan` recommends)")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--corpus", settings->corpus,
                   "Files and folders as `data pack` reads them, with long documents (repeatable)")
      ->allow_extra_args(false)
      ->required();
  add_training_options(*command, *settings);
  add_measuring_options(*command, *settings);
  command->add_option("--out", settings->out, "Folder for all of it; the same command goes on with it")
      ->required();
  command->add_option("--threads", settings->threads, "Threads to compute with (default: every core)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", *json, "One JSON object on standard output");
  command->footer(
      "Needs longscroll-train (make build-train). Stopped by Ctrl-C, SIGTERM or anything else, the same "
      "command goes\n"
      "on; a stage that is done is not done again.\n\n"
      "Example:\n  longscroll extend smollm2-135m --window 16384 --corpus books/ --sft long-chat.jsonl --out "
      "runs/16k");
  command->callback(
      [&action, settings, json] { action = [settings, json] { return extend(*settings, *json); }; });
}

}  // namespace longscroll
