// Perplexity by length of window, out of the log-likelihoods of a run's records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/run.h"

namespace longscroll::report {

struct PerplexityPoint {
  uint64_t length = 0;  // of the window, tokens
  uint64_t tokens = 0;  // that were predicted, over all windows
  double nats = 0;      // their negative log-likelihood, summed

  double perplexity() const;  // exp of the mean
};

struct PerplexityCurve {
  std::string label;                    // the task
  std::vector<PerplexityPoint> points;  // by rising length
};

// One curve a task. Throws Error(kFile), naming the item, when one has no length, likelihood or token count.
std::vector<PerplexityCurve> perplexity_curves(const Run& run);

}  // namespace longscroll::report
