// LongBench's nine metrics (https://github.com/THUDM/LongBench, metrics.py and eval.py), and what
// OpenCompass's evaluators of the same names count differently.
#pragma once

#include <memory>
#include <string_view>

#include "metrics/metric.h"
#include "metrics/similarity.h"

namespace longscroll {

// Where the protocols part.
struct LongBenchRules {
  bool sum_references = false;  // retrieval, count and classification: the sum, not the best reference
  bool segment_again = false;   // rouge_zh: before the k-th reference the prediction was segmented k times
  bool recursion_limit = true;  // rouge: 0 where Python's recursion ends
  bool skip_after_removal =
      true;  // classification: after a class is taken off the list, the next is not looked at
  Matcher matcher = Matcher::kDifflib;  // code_sim
};
LongBenchRules longbench_rules(Protocol protocol);

// `name` as find_metric() takes it, "longbench.qa_f1" and so on. Throws Error(kArgument) for another one.
std::unique_ptr<const Metric> make_longbench_metric(std::string_view name, const LongBenchRules& rules);

}  // namespace longscroll
