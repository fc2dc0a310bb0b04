// data: what a training run reads, made and looked at.
#include "apps/commands.h"
#include "apps/data_commands.h"

namespace longscroll {

void add_data_command(CLI::App& program, Action& action) {
  CLI::App* data = program.add_subcommand("data", "Corpora and instructions for training");
  data->require_subcommand(1);
  add_data_steps(*data, action);
  add_data_run(*data, action);
  add_data_pack(*data, action);
  add_data_stats(*data, action);
  data->footer(
      "Example:\n  longscroll data run corpus.toml\n  longscroll data pack smollm2-135m essays --out packed\n"
      "  longscroll data stats packed --window 2048");
}

}  // namespace longscroll
