// The report's numbers for other programs: RFC 4180, one header line, full precision.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/compare.h"
#include "report/sections.h"

namespace longscroll::report {

struct CsvFile {
  std::string name;
  std::string text;
};

// scores.csv, averages.csv, needle.csv, perplexity.csv, speed.csv, comparison.csv and training.csv; those
// that would be empty are left out.
std::vector<CsvFile> csv_files(const Views& views, const std::vector<TrainingRun>& trainings,
                               const std::vector<ComparedRuns>& compared);

}  // namespace longscroll::report
