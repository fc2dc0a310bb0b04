// The subcommands of `rope`.
#pragma once

#include "apps/common.h"
#include "rope/window_theory.h"

namespace longscroll {

// What a model was trained with, from its files alone.
TrainedRope trained_rope_of(const std::string& model);

void add_rope_plan(CLI::App& rope, Action& action);
void add_rope_map(CLI::App& rope, Action& action);

}  // namespace longscroll
