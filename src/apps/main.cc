// One binary, a subcommand for each job: data on standard output, everything else on standard error.
#include <csignal>

#include "apps/commands.h"
#include "console/cut_file.h"
#include "console/interrupt.h"

namespace {

int run_command_line(int argc, char** argv) {
  using namespace longscroll;
  CLI::App program("Reads whole long documents with a small language model on a CPU.", "longscroll");
  program.require_subcommand(1);
  program.set_version_flag("--version", version_text, "What this program was built with");
  program.footer(
      "Example:\n  longscroll read report.txt --question \"Who wrote it?\"\n\nEach command has its own "
      "--help.");
  Action action;
  add_read_command(program, action);
  add_models_commands(program, action);
  add_generate_command(program, action);
  add_inspect_command(program, action);
  add_tokenize_commands(program, action);
  add_logits_command(program, action);
  add_perplexity_command(program, action);
  add_eval_command(program, action);
  add_rope_command(program, action);
  add_doctor_command(program, action);
  add_report_command(program, action);
  add_convert_command(program, action);
  add_data_command(program, action);
  add_extend_command(program, action);
  add_bench_command(program, action);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : kExitUsage;
  }
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  // A closed pipe is seen where it is written to, so that files in the making are cleaned up.
  std::signal(SIGPIPE, SIG_IGN);
  longscroll::install_interrupt_handler();
  longscroll::install_cut_file_handler();
  return longscroll::run_guarded("longscroll", [&] { return run_command_line(argc, argv); });
}
