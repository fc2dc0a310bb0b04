#include "rope/window_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"

namespace longscroll {
namespace {

using testing::HasSubstr;

const BaseOutlook& of_base(const RopePlan& plan, double base) {
  return *std::ranges::find(plan.bases, base, &BaseOutlook::base);
}

// The report's case: a 4K model with heads of 128 to 32K.
TEST(WindowPlan, ShowsBothTheoriesAndThatTheyDisagree) {
  const RopePlan plan = plan_rope({.trained = {}, .window = 32768});
  EXPECT_EQ(plan.critical_dimension, 92u);
  EXPECT_EQ(plan.wanted.window, 32768u);
  EXPECT_NEAR(plan.wanted.critical_base, 1.92e5, 500);
  EXPECT_GT(plan.wanted.lowest_base, 5e5);
  EXPECT_FALSE(plan.theories_agree);
  EXPECT_EQ(plan.wanted.printed_lowest_base, 6.4e5);
  EXPECT_NEAR(plan.suggested, 6.4e5, 1e4);
  EXPECT_THAT(plan.findings, testing::Contains(HasSubstr("do not agree")));
  const BaseOutlook& reports = of_base(plan, 320000.0);
  EXPECT_NEAR(reports.reach_after_training, 56900, 50);
  EXPECT_LT(reports.similarity_window, 32768u);
  EXPECT_EQ(of_base(plan, 10000.0).reach_after_training, 32768.0);
}

TEST(WindowPlan, WindowsRiseAndHoldTheWantedOne) {
  const RopePlan plan =
      plan_rope({.trained = {.rotary_dim = 16, .base = 10000, .window = 256}, .window = 700});
  std::vector<uint64_t> windows;
  for (const WindowNeeds& needs : plan.windows) windows.push_back(needs.window);
  EXPECT_THAT(windows, testing::ElementsAre(256, 512, 700, 1024));
}

TEST(WindowPlan, GivenBasesAndWindowsAreTheOnesShown) {
  const RopePlan plan = plan_rope({.trained = {}, .window = 8192, .bases = {5e5, 1e4}, .windows = {4096}});
  ASSERT_EQ(plan.bases.size(), 2u);
  EXPECT_EQ(plan.bases[0].base, 1e4);
  ASSERT_EQ(plan.windows.size(), 2u);
  EXPECT_EQ(plan.windows[1].window, 8192u);
}

TEST(WindowPlan, AWindowThatCannotBeIsRefused) {
  EXPECT_THROW(plan_rope({.trained = {}, .window = 0}), Error);
  EXPECT_THROW(plan_rope({.trained = {}, .window = (uint64_t{1} << 22) + 1}), Error);
  EXPECT_THROW(plan_rope({.trained = {}, .window = 8192, .bases = {0.5}}), Error);
}

TEST(WindowPlan, BasesAreWrittenShort) {
  EXPECT_EQ(base_text(10000), "10000");
  EXPECT_EQ(base_text(192160.2), "1.92e5");
  EXPECT_EQ(base_text(320000), "3.2e5");
  EXPECT_EQ(base_text(1e6), "1e6");
  EXPECT_EQ(base_text(651.9), "652");
}

}  // namespace
}  // namespace longscroll
