#include "corpus/minhash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "corpus/test_corpus.h"
#include "data/random_order.h"

namespace longscroll::corpus {
namespace {

using testing::HasSubstr;

// Two sets of `size` shingles of which `common` are in both: similarity common / (2 · size - common).
struct Pair {
  std::vector<uint64_t> a, b;
};

Pair make_pair(data::Random& random, size_t size, size_t common) {
  Pair pair;
  for (size_t i = 0; i < size; ++i) {
    pair.a.push_back(random.next());
    pair.b.push_back(i < common ? pair.a.back() : random.next());
  }
  return pair;
}

TEST(MinHashShape, HasTheMostRowsThatStillFindPairsAtTheThreshold) {
  const MinHashShape shape = choose_shape(0.8);
  EXPECT_EQ(shape.rows, 8U);
  EXPECT_EQ(shape.bands, 32U);
  EXPECT_GE(chance_of_band(shape, 0.8), 0.99);
  EXPECT_LT(chance_of_band({9, 28}, 0.8), 0.99);
  EXPECT_LT(chance_of_band(shape, 0.4), 0.03);
  EXPECT_GE(chance_of_band(choose_shape(0.5), 0.5), 0.99);
}

TEST(MinHashShape, RefusesThresholdsThatCannotBe) {
  for (const double threshold : {0.0, -1.0, 1.5, std::nan("")}) {
    EXPECT_THAT(test::error_of([&] { choose_shape(threshold); }), HasSubstr("dedupe.threshold"));
  }
  EXPECT_THAT(test::error_of([] { choose_shape(0.001); }), HasSubstr("256 minima"));
}

// The mean over P pairs of an estimate of K minima has the standard error sqrt(s(1-s)/(K·P)), as far as the
// minima are independent; 5 of them, and as much again for the sketch's chance hits.
TEST(MinHasher, EstimatesAreRightOnAverageAndAsSharpAsTheirNumberAllows) {
  const MinHashShape shape{8, 32};
  const MinHasher hasher(shape);
  data::Random random(7);
  for (const size_t common : {333U, 500U, 889U, 1000U}) {
    const double similarity = static_cast<double>(common) / static_cast<double>(2000 - common);
    constexpr int kPairs = 100;
    double sum = 0, squares = 0;
    for (int i = 0; i < kPairs; ++i) {
      const Pair pair = make_pair(random, 1000, common);
      std::vector<uint32_t> a, b;
      hasher.minima(pair.a, a);
      hasher.minima(pair.b, b);
      std::vector<uint8_t> sketch_a(a.size()), sketch_b(b.size());
      make_sketch(a, sketch_a);
      make_sketch(b, sketch_b);
      const double error = estimate_similarity(sketch_a, sketch_b) - similarity;
      sum += error;
      squares += error * error;
    }
    const double deviation = std::sqrt(similarity * (1 - similarity) / shape.minima());
    EXPECT_NEAR(sum / kPairs, 0, 6 * deviation / std::sqrt(kPairs) + 1e-9) << similarity;
    EXPECT_LE(std::sqrt(squares / kPairs), 1.4 * deviation + 1e-9) << similarity;
  }
}

TEST(MinHasher, BandsAreSharedAsOftenAsTheirShapeSays) {
  const MinHashShape shape{8, 32};
  const MinHasher hasher(shape);
  data::Random random(11);
  constexpr int kPairs = 400;
  int shared = 0;
  for (int i = 0; i < kPairs; ++i) {
    const Pair pair = make_pair(random, 300, 225);  // similarity 0.6
    std::vector<uint32_t> a, b;
    hasher.minima(pair.a, a);
    hasher.minima(pair.b, b);
    std::vector<uint64_t> bands_a, bands_b;
    hasher.band_hashes(a, bands_a);
    hasher.band_hashes(b, bands_b);
    bool same = false;
    for (size_t band = 0; band < bands_a.size(); ++band) same = same || bands_a[band] == bands_b[band];
    shared += same ? 1 : 0;
  }
  const double chance = chance_of_band(shape, 0.6);
  EXPECT_NEAR(static_cast<double>(shared) / kPairs, chance, 5 * std::sqrt(chance * (1 - chance) / kPairs));
}

TEST(MinHasher, TheOrderOfShinglesDoesNotMatter) {
  const MinHasher hasher({4, 4});
  std::vector<uint32_t> a, b;
  hasher.minima(std::vector<uint64_t>{1, 2, 3}, a);
  hasher.minima(std::vector<uint64_t>{3, 1, 2, 2}, b);
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace longscroll::corpus
