#include "base/checked_math.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace longscroll {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST(CheckedMath, AddReportsOverflow) {
  EXPECT_EQ(checked_add(kMax - 1, 1), kMax);
  EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
}

TEST(CheckedMath, MulReportsOverflow) {
  EXPECT_EQ(checked_mul(1u << 31, 2), uint64_t{1} << 32);
  EXPECT_EQ(checked_mul(uint64_t{1} << 33, uint64_t{1} << 31), std::nullopt);
}

TEST(CheckedMath, ProductReportsOverflowAndHandlesEmptyShape) {
  EXPECT_EQ(checked_product({}), 1u);
  const std::array<uint64_t, 3> fits = {2, 3, 4};
  EXPECT_EQ(checked_product(fits), 24u);
  const std::array<uint64_t, 3> wraps = {uint64_t{1} << 40, uint64_t{1} << 20, 16};
  EXPECT_EQ(checked_product(wraps), std::nullopt);
}

TEST(CheckedMath, RoundUpReportsOverflow) {
  EXPECT_EQ(checked_round_up(33, 32), 64u);
  EXPECT_EQ(checked_round_up(64, 32), 64u);
  EXPECT_EQ(checked_round_up(kMax, 32), std::nullopt);
}

}  // namespace
}  // namespace longscroll
