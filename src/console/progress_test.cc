#include "console/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "console/terminal.h"

namespace longscroll {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(TimeForecast, FindsTheQuadraticShareOfAttention) {
  TimeForecast forecast;
  const auto cost = [](double n) { return 0.01 * n + 2e-6 * n * n; };
  for (double n = 512; n <= 8192; n += 512) forecast.add(n, cost(n));
  EXPECT_NEAR(forecast.seconds_at(32768), cost(32768), 1e-3 * cost(32768));
}

TEST(TimeForecast, IsLinearWithOneSampleAndNothingWithNone) {
  TimeForecast forecast;
  EXPECT_EQ(forecast.seconds_at(100), 0);
  forecast.add(50, 2);
  EXPECT_DOUBLE_EQ(forecast.seconds_at(100), 4);
}

TEST(TimeForecast, FallsBackToTheAverageWhenTokensGetCheaper) {
  TimeForecast forecast;
  forecast.add(100, 10);  // a slow start
  forecast.add(200, 11);
  forecast.add(300, 12);
  EXPECT_DOUBLE_EQ(forecast.seconds_at(600), 24);
}

const ProgressState kHalf = {"Reading", 16384, 32768, 812.3, 95};

TEST(ProgressLine, ShowsEverythingWhereThereIsRoom) {
  const std::string line = progress_line(kHalf, "tokens", 100);
  EXPECT_THAT(
      line,
      HasSubstr("Reading [###############---------------]  50% 16,384/32,768 812 tok/s 1 min 35 s left"));
}

TEST(ProgressLine, NeverIsWiderThanTheTerminal) {
  const ProgressState wide = {"正在阅读", 1234567, 9876543, 1234.5, 7800};
  for (const ProgressState& state : {kHalf, wide}) {
    for (size_t columns = 20; columns <= 120; ++columns) {
      EXPECT_LE(display_width(progress_line(state, "tokens", columns)), columns) << columns;
    }
  }
}

TEST(ProgressLine, KeepsRateAndTimeLeftAtFortyColumns) {
  const std::string line = progress_line(kHalf, "tokens", 40);
  EXPECT_THAT(line, HasSubstr("812 tok/s"));
  EXPECT_THAT(line, HasSubstr("1 min 35 s left"));
  EXPECT_THAT(line, Not(HasSubstr("#")));
}

TEST(ProgressLine, WithoutATotalPromisesNothing) {
  const std::string line = progress_line({"Pulling", 3 << 20, 0, 1 << 20, 0}, "bytes", 100);
  EXPECT_EQ(line, "Pulling 3.00 MiB 1.00 MiB/s");
}

TEST(ProgressLine, CountsBytesInBytes) {
  const ProgressState state = {"Pulling", 1 << 20, 4 << 20, 1 << 20, 3};
  EXPECT_THAT(progress_line(state, "bytes", 100), HasSubstr("1.00 MiB/4.00 MiB 1.00 MiB/s 3.0 s left"));
}

}  // namespace
}  // namespace longscroll
