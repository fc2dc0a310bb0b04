#include "library/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longscroll {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<TokenId> kSix = {10, 11, 12, 13, 14, 15};

TEST(KeepFirstAndLastHalf, KeepsEverythingThatFits) {
  const Fit fit = keep_first_and_last_half(kSix, 6);
  EXPECT_EQ(fit.first, kSix);
  EXPECT_THAT(fit.last, IsEmpty());
  EXPECT_EQ(fit.left_out, 0u);
}

TEST(KeepFirstAndLastHalf, LeavesOutTheMiddle) {
  const Fit fit = keep_first_and_last_half(kSix, 4);
  EXPECT_THAT(fit.first, ElementsAre(10, 11));
  EXPECT_THAT(fit.last, ElementsAre(14, 15));
  EXPECT_EQ(fit.left_out, 2u);
}

TEST(KeepFirstAndLastHalf, RoundsAnOddRoomDownAsLongBenchDoes) {
  const Fit fit = keep_first_and_last_half(kSix, 5);
  EXPECT_THAT(fit.first, ElementsAre(10, 11));
  EXPECT_THAT(fit.last, ElementsAre(14, 15));
  EXPECT_EQ(fit.left_out, 2u);
}

TEST(KeepFirstAndLastHalf, WithoutRoomKeepsNothing) {
  const Fit fit = keep_first_and_last_half(kSix, 1);
  EXPECT_THAT(fit.first, IsEmpty());
  EXPECT_THAT(fit.last, IsEmpty());
  EXPECT_EQ(fit.left_out, 6u);
}

}  // namespace
}  // namespace longscroll
