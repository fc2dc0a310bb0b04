// The needle test's grid out of a run's records, and its heat map as the report draws it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/run.h"
#include "report/svg.h"

namespace longscroll::report {

struct NeedleCell {
  double score = 0;  // 0 to 100
  size_t items = 0;
};

struct NeedleMap {
  std::string task;
  std::string language;           // as in the records; "mean" for the mean over the languages
  bool is_part = false;           // the run lacks items: no overall average is given
  std::vector<uint64_t> lengths;  // tokens, rising
  std::vector<uint64_t> depths;   // percent, rising
  std::map<std::pair<uint64_t, uint64_t>, NeedleCell> cells;  // by length and depth; some may be missing

  bool is_mean() const;
  const NeedleCell* cell(uint64_t length, uint64_t depth) const;
  // Over the depths of a length; nullopt when a cell is missing.
  std::optional<double> mean_over_depths(uint64_t length) const;
  // The mean over lengths of those means (needlebench.md, 20); nullopt when one, or part of the run, is
  // missing.
  std::optional<double> overall() const;
  size_t items() const;
  // Items of the fullest cell: what the others are measured by.
  size_t most_items() const;
};

// For each task one map a language, and behind them, when there are several languages, the map of their
// means, in cells that every language has. Throws Error(kFile), naming the item, when length, depth or
// language is missing.
std::vector<NeedleMap> needle_maps(const Run& run);

// The needle suite, or any other whose scored items all have a length, a depth and a language.
bool is_needle_run(const Run& run);

std::string language_name(const std::string& language);  // "English" for "en"; others as they are

// The scale's colour at 0 to 100: red, yellow at 50, green.
Rgb score_colour(double score);

// `id` is unique in the page.
Svg heat_map(const NeedleMap& map, const std::string& title, const std::string& id);

}  // namespace longscroll::report
