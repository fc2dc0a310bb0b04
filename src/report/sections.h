// The report's sections, made of runs. Each is given only the runs that it is about.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/compare.h"
#include "report/page.h"
#include "report/run.h"
#include "report/scores.h"
#include "report/training.h"

namespace longscroll::report {

// A run with its numbers, made once for all sections.
struct RunView {
  Run run;
  std::optional<SuiteInfo> suite;  // nullopt: none that comes with the program
  RunScores scores;
  std::string label;  // unique in the report
  std::string stem;   // of file names, unique too
};

using Views = std::vector<const RunView*>;

// Sums over the items of a run.
struct Speed {
  uint64_t prompt_tokens = 0;
  uint64_t reused_tokens = 0;
  uint64_t generated_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
};
Speed speed_of(const Run& run);

Section overview_section(const Views& views);
// The heat maps; figures are named needle-LABEL-LANGUAGE.
Section needle_section(const Views& views);
// Two runs of one suite, side by side.
struct ComparedRuns {
  const RunView* first = nullptr;
  const RunView* second = nullptr;
  Comparison comparison;
};

// LongBench, LEval, short tasks or any other scored suite: its tables and bars, published columns beside
// ours. `suite` may be null; `views` may be empty when there is something published.
Section scores_section(const std::string& name, const SuiteInfo* suite, const Views& views);
// The report's picture of both long-context averages for all models (pk-all).
Section averages_section(const Views& views);
Section perplexity_section(const Views& views);
Section lengths_section(const Views& views);
Section speed_section(const Views& views);
Section comparison_section(const ComparedRuns& compared);
Section manifest_section(const Views& views);
// Figures are named training-…. `runs` are not empty.
Section training_section(const std::vector<TrainingRun>& runs);

// The items of a suite that both `items` of and whole are known as "n of N"; "n items" where N is not; empty
// when all are there.
std::string share_note(size_t items, std::optional<size_t> of, bool partial);

}  // namespace longscroll::report
