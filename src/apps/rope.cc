// rope: how far a model's rotation carries, by theory and by measuring.
#include "apps/commands.h"
#include "apps/rope_commands.h"

namespace longscroll {

void add_rope_command(CLI::App& program, Action& action) {
  CLI::App* rope = program.add_subcommand("rope", "How long a window a rotary base allows");
  rope->require_subcommand(1);
  add_rope_plan(*rope, action);
  add_rope_map(*rope, action);
  rope->footer(
      "Example:\n  longscroll rope plan --head-dim 128 --train-window 4096 --window 32768\n"
      "  longscroll rope map smollm2-135m book.txt --bases x4,x32 --scaling yarn:4 --lengths "
      "2048,8192,16384");
}

}  // namespace longscroll
