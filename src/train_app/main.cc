// longscroll-train: the one program that is linked with LibTorch.
#include <csignal>

#include <fmt/format.h>
#include <torch/version.h>
#include <CLI/CLI.hpp>

#include "console/cut_file.h"
#include "console/guarded.h"
#include "console/interrupt.h"
#include "train_app/options.h"

namespace longscroll::train {
namespace {

void add_stage(CLI::App& program, Stage stage, const char* what, TrainOptions& options) {
  CLI::App* command = program.add_subcommand(to_string(stage), what);
  command->add_option("RECIPE", options.recipe, "A TOML file: docs/formats/recipe.md")->required();
  command
      ->add_option("--set", options.settings, "KEY=VALUE: changes a field of the recipe; may be given again")
      ->allow_extra_args(false);
  CLI::Option* plan = command->add_flag("--plan", options.plan, "Say what the run would need, and end");
  command
      ->add_option("--machine", options.machine,
                   "Plan for another machine: a100, h100 or h200, with xN for N of them")
      ->needs(plan);
  command->add_flag("--resume", options.resume, "Go on from the newest checkpoint of run.out");
  command
      ->add_option("--threads", options.threads,
                   "Threads of each process (default: OMP_NUM_THREADS, else the cores it may use)")
      ->check(CLI::Range(1, 1024));
  command->footer(
      fmt::format("Example:\n  longscroll-train {0} recipes/smollm2-135m/{0}.toml --set run.out=runs/{0}\n\n"
                  "Several processes: mpirun -n 4 longscroll-train {0} …",
                  to_string(stage)));
  command->callback([&options, stage] { options.stage = stage; });
}

int run_command_line(int argc, char** argv) {
  CLI::App program("Trains language models to read long documents.", "longscroll-train");
  program.require_subcommand(1);
  program.set_version_flag("--version", "longscroll-train " LONGSCROLL_VERSION ", LibTorch " TORCH_VERSION);
  TrainOptions options;
  add_stage(program, Stage::kPretrain, "Continue pre-training on a corpus of token shards", options);
  add_stage(program, Stage::kInstruct, "Fine-tune on instructions: loss on the answers alone", options);
  add_stage(program, Stage::kPrefer, "Direct preference optimisation on pairs of answers", options);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : kExitUsage;
  }
  return options.plan ? show_plan(options) : train(options);
}

}  // namespace
}  // namespace longscroll::train

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  longscroll::install_cut_file_handler();
  return longscroll::run_guarded("longscroll-train",
                                 [&] { return longscroll::train::run_command_line(argc, argv); });
}
