// What Python's `random` module draws after random.seed(int): MT19937, seeded by init_by_array with the
// number's 32-bit digits, and integers below n by rejection. Benchmarks fix their shuffles by it. Source:
// Matsumoto and Nishimura, "Mersenne Twister" (2002 version); docs.python.org, module random.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace longscroll {

// Not thread safe.
class PythonRandom {
 public:
  explicit PythonRandom(uint64_t seed);

  uint32_t next() { return static_cast<uint32_t>(generator_()); }
  size_t below(size_t n);  // uniform in [0, n); n at least 1
  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i-- > 1;) std::swap(values[i], values[below(i + 1)]);
  }

 private:
  std::mt19937 generator_;
};

// `limit` of the numbers 0 … n - 1, ascending; all when limit is 0 or at least n. Seed 0: the first ones.
// Else the first of them after PythonRandom(seed).shuffle.
std::vector<size_t> pick_items(size_t n, size_t limit, uint64_t seed);

}  // namespace longscroll
