#include "train/schedule.h"

#include <gtest/gtest.h>

namespace longscroll::train {
namespace {

TEST(Schedule, RisesInEqualStepsThenFallsByACosine) {
  const Schedule schedule{.peak = 1e-5, .last = 1e-6, .warmup_steps = 4, .total_steps = 104};
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 0.25e-5);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(3), 1e-5);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(4), 1e-5);
  EXPECT_NEAR(schedule.learning_rate(54), (1e-5 + 1e-6) / 2, 1e-18);  // half way down
  for (uint64_t step = 5; step < 104; ++step) {
    EXPECT_LT(schedule.learning_rate(step), schedule.learning_rate(step - 1));
  }
  EXPECT_GT(schedule.learning_rate(103), 1e-6);
}

TEST(Schedule, StaysAtTheEndAfterTheLastStep) {
  const Schedule schedule{.peak = 1.0, .last = 0.1, .warmup_steps = 0, .total_steps = 10};
  EXPECT_DOUBLE_EQ(schedule.learning_rate(0), 1.0);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(10), 0.1);
  EXPECT_DOUBLE_EQ(schedule.learning_rate(1000), 0.1);
}

}  // namespace
}  // namespace longscroll::train
