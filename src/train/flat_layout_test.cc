#include "train/flat_layout.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

FlatLayout small() {
  return FlatLayout({{"a", {4, 8}}, {"norm", {3}}, {"b", {2, 5}}, {"c", {16, 1}}});
}

TEST(FlatLayout, PutsParametersSideBySideAtAlignedPlaces) {
  const FlatLayout layout = small();
  EXPECT_EQ(layout.offset(0), 0u);
  EXPECT_EQ(layout.offset(1), 32u);
  EXPECT_EQ(layout.offset(2), 48u);
  EXPECT_EQ(layout.offset(3), 64u);
  EXPECT_EQ(layout.total(), 80u);
  EXPECT_EQ(layout.trained(), 32u + 3 + 10 + 16);
}

TEST(FlatLayout, CutsIntoEqualAlignedShardsThatCoverAll) {
  const FlatLayout layout = small();
  for (const uint64_t processes : {1u, 2u, 3u, 4u, 7u, 100u}) {
    const uint64_t shard = layout.shard_size(processes);
    EXPECT_EQ(shard % 16, 0u);
    EXPECT_GE(shard * processes, layout.total());
  }
}

TEST(FlatLayout, DecaysMatricesAlone) {
  const FlatLayout layout = small();
  const std::vector<FlatRange> all = {{0, 32, true}, {32, 35, false}, {48, 58, true}, {64, 80, true}};
  EXPECT_EQ(layout.ranges(0, 80), all);
}

TEST(FlatLayout, CutsRangesAtTheBordersOfAShard) {
  const FlatLayout layout = small();
  const std::vector<FlatRange> middle = {{16, 32, true}, {32, 35, false}};
  EXPECT_EQ(layout.ranges(16, 48), middle);
  EXPECT_TRUE(layout.ranges(80, 96).empty());
}

TEST(FlatLayout, RefusesANameGivenTwiceAndSizesThatOverflow) {
  EXPECT_THROW(FlatLayout({{"a", {1}}, {"a", {2}}}), Error);
  EXPECT_THROW(FlatLayout({{"a", {int64_t{1} << 40, int64_t{1} << 40}}}), Error);
  EXPECT_THROW(FlatLayout({{"a", {-1}}}), Error);
}

}  // namespace
}  // namespace longscroll::train
