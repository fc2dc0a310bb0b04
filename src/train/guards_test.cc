#include "train/guards.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longscroll::train {
namespace {

TEST(StepGuard, StopsAtWhatIsNotANumber) {
  StepGuard guard(3, 50);
  EXPECT_EQ(guard.fault(2.0, 1.0), std::nullopt);
  EXPECT_THAT(guard.fault(std::numeric_limits<double>::quiet_NaN(), 1.0).value_or(""),
              testing::HasSubstr("loss"));
  EXPECT_THAT(guard.fault(2.0, std::numeric_limits<double>::infinity()).value_or(""),
              testing::HasSubstr("gradient"));
}

TEST(StepGuard, StopsAtALeapOverTheMedianAndForgetsIt) {
  StepGuard guard(3, 50);
  for (int step = 0; step < 8; ++step) EXPECT_EQ(guard.fault(2.0, 1.0), std::nullopt);
  EXPECT_NE(guard.fault(6.5, 1.0), std::nullopt);
  EXPECT_NE(guard.fault(6.5, 1.0), std::nullopt);  // a leap does not become the new usual
  EXPECT_EQ(guard.fault(5.5, 1.0), std::nullopt);
}

TEST(StepGuard, LetsLeapsThroughBeforeItKnowsWhatIsUsualAndWhenTold) {
  StepGuard fresh(3, 50);
  EXPECT_EQ(fresh.fault(1.0, 1.0), std::nullopt);
  EXPECT_EQ(fresh.fault(9.0, 1.0), std::nullopt);
  StepGuard off(0, 50);
  for (int step = 0; step < 20; ++step) EXPECT_EQ(off.fault(1.0, 1.0), std::nullopt);
  EXPECT_EQ(off.fault(1000.0, 1.0), std::nullopt);
}

}  // namespace
}  // namespace longscroll::train
