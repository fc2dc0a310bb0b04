// data run: the whole corpus chain by a plan.
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "apps/data_commands.h"
#include "apps/data_steps.h"
#include "apps/far_context.h"
#include "base/cpu_features.h"
#include "console/terminal.h"
#include "corpus/plan.h"

namespace longscroll {
namespace {

struct RunOptions {
  std::string plan;
  std::vector<std::string> settings;
  int workers = 0;
  bool json = false;
};

int run(const RunOptions& options) {
  corpus::Plan plan;
  const SettingsForm form = form_of(plan);
  read_settings(options.plan, form);
  for (const std::string& setting : options.settings) set_setting(setting, "--set", form);
  validate(plan);
  std::optional<StepProgress> progress;
  Json steps = Json::array();
  corpus::PlanEvents events;
  events.begin = [&](const std::string& step) {
    progress.emplace(step);
    events.work = progress->events();
  };
  events.end = [&](const std::string& step, const Json& manifest) {
    progress->finish();
    if (!options.json) write_out(step + "\n" + manifest_as_text(manifest));
    steps.push_back(manifest);
  };
  const int workers = options.workers > 0 ? options.workers : available_cores();
  run_plan(plan, {lazy_counter(plan.tokenizer), far_context_scorer(plan.score)}, workers, events);
  if (options.json) write_json({{"out", plan.out}, {"steps", std::move(steps)}});
  return 0;
}

}  // namespace

void add_data_run(CLI::App& data, Action& action) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = data.add_subcommand("run", "The whole corpus chain by a plan");
  command->add_option("PLAN", options->plan, "A TOML file (docs/formats/plan.md)")->required();
  command->add_option("--set", options->settings, "KEY=VALUE instead of the plan's")->allow_extra_args(false);
  command->add_option("--workers", options->workers, "Tasks at a time in this process (default: every core)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", options->json, "The manifests of all steps on standard output");
  command->footer(
      "Stopped and given again, it goes on. Started several times on one folder, by mpirun, Slurm or hand, "
      "the\n"
      "processes share the work.\n\nExample:\n  longscroll data run corpus.toml\n"
      "  mpirun -n 8 longscroll data run corpus.toml --workers 4");
  command->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace longscroll
