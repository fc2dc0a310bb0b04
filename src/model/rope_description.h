// A rotation for a run's record and for `--json`: base, scaling, and what the scaling has.
#pragma once

#include <nlohmann/json.hpp>

#include "rope/rope.h"

namespace longscroll {

nlohmann::ordered_json describe_rope(const RopeConfig& rope);

}  // namespace longscroll
