// The two Python packages by which the benchmarks count ROUGE. They do not agree with each other.
// Pure functions; safe to call from any thread.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace longscroll {

// Python's limit of nested calls, which ends the walk over a long pair of sentences and makes its score 0, as
// measured with LongBench's own eval.py; kNoLimit where that fault is mended.
inline constexpr size_t kRecursionLimit = 991;
inline constexpr size_t kRecursionLimitZh = 990;
inline constexpr size_t kNoLimit = static_cast<size_t>(-1);

// ROUGE-L f of the package `rouge` 1.0.1 (https://github.com/pltrdy/rouge), summary level: sentences end at
// '.', words at white space, each distinct word counts once. 0 where the package raises.
double rouge_package_l(std::u32string_view prediction, std::u32string_view reference, size_t recursion_limit);

// F-measures of google's rouge_score 0.1.2 without stemmer; lines are the sentences of `lsum`.
struct GoogleRouge {
  double rouge1 = 0;
  double rouge2 = 0;
  double l = 0;
  double lsum = 0;
};
GoogleRouge google_rouge(std::u32string_view prediction, std::u32string_view reference);

// rouge_score's BootstrapAggregator after numpy.random.seed(0), on the columns of one table (all as long, the
// first drawn first): the median of 1,000 resampled means of each. 0 for an empty column.
std::vector<double> bootstrap_medians(std::span<const std::vector<double>> columns);

}  // namespace longscroll
