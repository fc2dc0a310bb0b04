#include "suites/python_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "suites/needle_context.h"
#include "suites/test_data.h"

namespace longscroll {
namespace {

using testing::ElementsAre;

// Expected values are CPython 3.11's.
TEST(PythonRandom, DrawsWhatPythonDrawsForSmallAndLargeSeeds) {
  EXPECT_EQ(PythonRandom(0).next(), 3626764237U);  // random.seed(0); random.getrandbits(32)
  EXPECT_EQ(PythonRandom(1).next(), 577090037U);
  EXPECT_EQ(PythonRandom(1234567890123).next(), 3532746698U);
}

TEST(PythonRandom, DrawsBelowAnyBoundByRejection) {
  PythonRandom random(7);
  std::vector<size_t> drawn;
  for (const size_t n : {1, 2, 3, 1000, 1000000}) drawn.push_back(random.below(n));
  EXPECT_THAT(drawn, ElementsAre(0, 0, 1, 666, 50631));
}

TEST(PythonRandom, ShufflesOneListAgainAndAgainAsNeedleBenchDoes) {
  const std::vector<std::vector<size_t>> orders = haystack_orders(5, 3);
  EXPECT_THAT(orders[0], ElementsAre(2, 1, 0, 4, 3));
  EXPECT_THAT(orders[1], ElementsAre(0, 4, 3, 2, 1));
  EXPECT_THAT(orders[2], ElementsAre(3, 4, 2, 1, 0));
}

TEST(PythonRandom, EqualsAllGoldenShufflesAndChoices) {
  const auto shared = shared_material();
  if (!shared) GTEST_SKIP() << "../shared is not there";
  const auto golden = nlohmann::json::parse(read_whole(*shared / "golden/needlebench_data/rng_golden.json"));
  size_t compared = 0;
  for (const auto& [count, orders] : golden["python_random_shuffle_cumulative"].items()) {
    const auto expected = orders.get<std::vector<std::vector<size_t>>>();
    EXPECT_EQ(haystack_orders(std::stoul(count), expected.size()), expected) << count;
    compared += expected.size();
  }
  for (const auto& [count, choices] : golden["needle_choice_index"].items()) {
    for (size_t seed = 0; seed < choices.size(); ++seed, ++compared) {
      EXPECT_EQ(PythonRandom(seed).below(std::stoul(count)), choices[seed].get<size_t>())
          << count << " " << seed;
    }
  }
  EXPECT_GE(compared, 90u);
}

TEST(PickItems, TakesTheFirstWithoutASeedAndASampleInFileOrderWithOne) {
  EXPECT_THAT(pick_items(4, 0, 0), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(pick_items(4, 9, 5), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(pick_items(10, 3, 0), ElementsAre(0, 1, 2));
  EXPECT_THAT(pick_items(10, 3, 5), ElementsAre(1, 2, 3));  // random.Random(5).shuffle begins 2, 3, 1
}

}  // namespace
}  // namespace longscroll
