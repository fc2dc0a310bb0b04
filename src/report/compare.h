// Two runs over the same items: the difference, and how sure it is (paired bootstrap; Efron, Tibshirani
// 1993).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/run.h"
#include "suites/suite.h"

namespace longscroll::report {

inline constexpr size_t kResamples = 2000;
inline constexpr uint64_t kBootstrapSeed = 20240910;

inline constexpr const char* kAllTasks = "All matched tasks";

struct Interval {
  double low = 0;
  double high = 0;
};

// Scores are means of the items' scores times 100, over the items that both runs have. That is what an
// evaluator prints for most metrics, and the only thing that a difference can be taken of item by item for
// all.
struct Difference {
  std::string name;  // of the task or group, as in the suite's file
  size_t matched = 0;
  double first = 0;
  double second = 0;
  std::optional<Interval> interval;  // of second - first, 95%; nullopt below 2 items

  double difference() const { return second - first; }
};

struct Comparison {
  std::vector<Difference> tasks;
  std::vector<Difference> groups;  // of the suite, that have all their tasks here
  Difference overall;              // over the matched tasks, each counting the same
  size_t only_first = 0;           // items that the other run does not have
  size_t only_second = 0;
  size_t different_prompts = 0;  // matched items that were asked in other words or cut elsewhere
  // An endpoint's records hash a prompt's text, others its ids: beside one of those, prompts count as
  // different when they have another number of tokens, or lost another.
  bool prompts_by_length = false;
};

// Items are matched by task and id. `suite` may be null. The same runs give the same numbers, on every
// machine. Throws Error(kArgument) when the suites differ or nothing matches.
Comparison compare_runs(const Run& first, const Run& second, const SuiteInfo* suite);

// The 2.5th and 97.5th percentile, between neighbours linearly. `values` is not empty.
Interval percentile_interval(std::vector<double> values);

}  // namespace longscroll::report
