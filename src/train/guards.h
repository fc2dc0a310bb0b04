// What stops a run before a bad batch reaches the weights.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace longscroll::train {

// A loss or gradient that is not a number, and a loss that leaps. Not thread safe. A resumed run begins with
// no losses seen.
class StepGuard {
 public:
  // `factor`: how many times the median of the last `window` losses is too much; 0: leaps are let through.
  StepGuard(double factor, uint64_t window) : factor_(factor), window_(window) {}

  // What is wrong with the step, or nullopt: then its loss joins the ones seen. Leaps are told from 8 losses
  // on.
  std::optional<std::string> fault(double loss, double gradient_norm);

 private:
  double factor_;
  uint64_t window_;
  std::deque<double> losses_;
};

}  // namespace longscroll::train
