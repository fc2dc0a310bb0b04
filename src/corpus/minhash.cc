#include "corpus/minhash.h"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "data/random_order.h"

namespace longscroll::corpus {
namespace {

constexpr uint64_t kSeed = 0x6c6f6e67;  // part of the form: other hashes are other duplicates

}  // namespace

double chance_of_band(const MinHashShape& shape, double similarity) {
  return 1 - std::pow(1 - std::pow(similarity, shape.rows), shape.bands);
}

MinHashShape choose_shape(double threshold, double recall, uint32_t most_minima) {
  const bool is_possible = threshold > 0 && threshold <= 1 && recall > 0 && recall < 1;
  if (!is_possible) {
    throw Error(ErrorKind::kArgument, "dedupe.threshold",
                fmt::format("must be above 0 and at most 1, found {}", threshold));
  }
  // 32 rows are one hash more or less for any threshold below 1.
  for (uint32_t rows = std::min<uint32_t>(32, most_minima); rows > 0; --rows) {
    const MinHashShape shape{rows, most_minima / rows};
    if (chance_of_band(shape, threshold) >= recall) return shape;
  }
  throw Error(ErrorKind::kArgument, "dedupe.threshold",
              fmt::format("must be reached by {} minima, found {}", most_minima, threshold));
}

double least_estimate(const MinHashShape& shape, double threshold) {
  return threshold - 2 * std::sqrt(threshold * (1 - threshold) / shape.minima());
}

MinHasher::MinHasher(const MinHashShape& shape) : shape_(shape) {
  data::Random random(kSeed);
  for (uint32_t i = 0; i < shape.minima(); ++i) {
    multipliers_.push_back(static_cast<uint32_t>(random.next()) | 1);
    addends_.push_back(static_cast<uint32_t>(random.next()));
  }
}

// A shingle's hash has two independent halves: low · a + high runs over all of 32 bits for each a, and costs
// one multiplication in any instruction set. The addend goes in before, so that no two hashes share a shape.
void MinHasher::minima(std::span<const uint64_t> shingles, std::vector<uint32_t>& minima) const {
  const size_t count = multipliers_.size();
  minima.assign(count, std::numeric_limits<uint32_t>::max());
  uint32_t* least = minima.data();
  const uint32_t* a = multipliers_.data();
  const uint32_t* b = addends_.data();
  for (const uint64_t shingle : shingles) {
    const auto low = static_cast<uint32_t>(shingle);
    const auto high = static_cast<uint32_t>(shingle >> 32);
    for (size_t i = 0; i < count; ++i) least[i] = std::min(least[i], (low ^ b[i]) * a[i] + high);
  }
}

void MinHasher::band_hashes(std::span<const uint32_t> minima, std::vector<uint64_t>& hashes) const {
  assert(minima.size() == shape_.minima());
  hashes.clear();
  for (uint32_t band = 0; band < shape_.bands; ++band) {
    const std::span<const uint32_t> rows = minima.subspan(size_t{band} * shape_.rows, shape_.rows);
    hashes.push_back(XXH3_64bits_withSeed(rows.data(), rows.size_bytes(), band));
  }
}

// Not the lowest bits as they are: those of multiplied numbers depend on few bits.
void make_sketch(std::span<const uint32_t> minima, std::span<uint8_t> sketch) {
  assert(minima.size() == sketch.size());
  for (size_t i = 0; i < minima.size(); ++i) {
    sketch[i] = static_cast<uint8_t>((minima[i] * 0x9e3779b1u) >> 24);
  }
}

double estimate_similarity(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  assert(a.size() == b.size());
  size_t equal = 0;
  for (size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  constexpr double kByChance = 1.0 / 256;
  const double share = static_cast<double>(equal) / static_cast<double>(a.size());
  return std::max(0.0, (share - kByChance) / (1 - kByChance));
}

}  // namespace longscroll::corpus
