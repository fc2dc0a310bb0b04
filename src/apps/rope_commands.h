// The subcommands of `rope`.
#pragma once

#include "apps/common.h"

namespace longscroll {

void add_rope_plan(CLI::App& rope, Action& action);
void add_rope_map(CLI::App& rope, Action& action);

}  // namespace longscroll
