// rope: how far a rotation carries.
#include "apps/commands.h"
#include "apps/rope_commands.h"

namespace longscroll {

void add_rope_command(CLI::App& program, Action& action) {
  CLI::App* rope = program.add_subcommand("rope", "How long a window a rotary base allows");
  rope->require_subcommand(1);
  add_rope_plan(*rope, action);
  rope->footer("Example:\n  longscroll rope plan --head-dim 128 --train-window 4096 --window 32768");
}

}  // namespace longscroll
