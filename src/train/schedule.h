// The learning rate of each step: a linear rise, then half a cosine down (SGDR, arXiv 1608.03983, one
// period).
#pragma once

#include <cstdint>

namespace longscroll::train {

struct Schedule {
  double peak = 0;
  double last = 0;  // what the cosine comes to at the end
  uint64_t warmup_steps = 0;
  uint64_t total_steps = 1;  // above warmup_steps

  // Of step `step`, counted from 0. The first step of a warm-up is peak / warmup_steps and not 0, so that no
  // batch is read for nothing; the step after the warm-up has the peak.
  double learning_rate(uint64_t step) const;
};

}  // namespace longscroll::train
