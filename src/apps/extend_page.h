// What the stages of `longscroll extend` left, put together: the report, and the numbers of it.
#pragma once

#include "apps/extend_run.h"
#include "report/extension.h"
#include "report/report.h"

namespace longscroll {

// Reads the maps and runs in OUT/before and OUT/after. Throws as their readers do.
report::Extension read_extension(const ExtendRun& run);

// OUT/report, made of these and of the runs of training and evaluation.
report::ReportSummary write_extension_page(const ExtendRun& run);

}  // namespace longscroll
