// MinHash (Broder, "On the resemblance and containment of documents", 1997) with bands (Leskovec, Rajaraman
// and Ullman, "Mining of Massive Datasets", chapter 3), and b-bit sketches (Li and König, WWW 2010).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace longscroll::corpus {

// K = rows · bands minima. Documents of Jaccard similarity s share a band with a chance of
// 1 - (1 - s^rows)^bands.
struct MinHashShape {
  uint32_t rows = 0;
  uint32_t bands = 0;

  uint32_t minima() const { return rows * bands; }
};

double chance_of_band(const MinHashShape& shape, double similarity);

// The most rows, and so the fewest needless comparisons, with which documents at the threshold share a band
// with a chance of at least `recall`, in at most `most_minima`. Throws Error(kArgument) unless 0 < threshold
// <= 1 and 0 < recall < 1, or when even one row is not enough.
MinHashShape choose_shape(double threshold, double recall = 0.99, uint32_t most_minima = 256);

// The estimate below which a pair is none: the threshold less two standard errors of K minima, so that 98 of
// 100 pairs at the threshold pass.
double least_estimate(const MinHashShape& shape, double threshold);

// Immutable; safe to share between threads.
class MinHasher {
 public:
  explicit MinHasher(const MinHashShape& shape);

  const MinHashShape& shape() const { return shape_; }

  // The least of each of K hashes over the shingles, of which there is at least one.
  void minima(std::span<const uint64_t> shingles, std::vector<uint32_t>& minima) const;

  // A hash for each band of its rows and its number.
  void band_hashes(std::span<const uint32_t> minima, std::vector<uint64_t>& hashes) const;

 private:
  MinHashShape shape_;
  std::vector<uint32_t> multipliers_;
  std::vector<uint32_t> addends_;
};

// 8 bits of each minimum.
void make_sketch(std::span<const uint32_t> minima, std::span<uint8_t> sketch);

// The similarity that two sketches speak for: the share of equal bytes, less what chance makes equal.
double estimate_similarity(std::span<const uint8_t> a, std::span<const uint8_t> b);

}  // namespace longscroll::corpus
