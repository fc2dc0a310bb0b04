// The report of runs, of evaluation and of training: one HTML page, the same as Markdown, the numbers as CSV,
// the figures as SVG.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/page.h"
#include "report/run.h"

namespace longscroll::report {

struct ReportRequest {
  // Directories that eval or longscroll-train wrote; may be empty with `published`.
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
  std::string title;  // empty: made of the runs' labels
  // Labels of two of the runs, or their directories; a directory that is not among the runs is read too.
  // Labels that both stand over runs of several suites are compared in each.
  std::optional<std::pair<std::string, std::string>> compare;
  std::vector<Section> opening = {};  // stand before what the runs have to say
  bool published = false;             // the published tables also of suites that no run is of
};

struct ReportSummary {
  std::vector<std::filesystem::path> files;  // written, index.html first
  std::vector<std::string> remarks;          // for people: runs that have not ended, ...
};

// Each file is written whole or not at all; others in `out` are left alone. Throws Error for runs that cannot
// be read, a comparison that cannot be made, or a folder that cannot be written.
ReportSummary write_report(const ReportRequest& request);

}  // namespace longscroll::report
