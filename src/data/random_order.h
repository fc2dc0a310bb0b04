// Random numbers that are the same on every machine and in every version: of a seed and a place, with no
// state that a run would have to keep. (The standard's distributions and std::shuffle differ between
// libraries.)
#pragma once

#include <cstdint>
#include <vector>

namespace longscroll::data {

// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), started at a
// place of its own for each (seed, a, b). Not thread safe.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t a = 0, uint64_t b = 0);

  uint64_t next();
  // 0 to bound - 1, each equally likely (Lemire, "Fast random integer generation in an interval", 2019).
  uint32_t below(uint32_t bound);

 private:
  uint64_t state_;
};

// 0 to count - 1 in a random order.
std::vector<uint32_t> shuffled(uint32_t count, Random& random);

}  // namespace longscroll::data
