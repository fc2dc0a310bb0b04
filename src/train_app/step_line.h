// A step in one line, for people.
#pragma once

#include <string>

#include "train/step_report.h"

namespace longscroll::train {

// "step 120/2385  2 h 10 min left  loss 2.3140  norm 0.82  lr 9.8e-06  1.2k tok/s  41% of peak": what may be
// cut off on a narrow terminal comes last.
std::string step_line(const StepReport& report);

}  // namespace longscroll::train
