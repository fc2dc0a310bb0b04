// A forecast for people.
#pragma once

#include <string>

#include "train/plan.h"

namespace longscroll::train {

// `measured`: packs that the document lengths were taken from; 0: packs of one document each were assumed.
std::string plan_text(const Forecast& plan, const Machine& machine, const Recipe& recipe,
                      const PackShape& shape, uint64_t measured);

}  // namespace longscroll::train
