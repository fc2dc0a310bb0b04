#include "suites/python_random.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace longscroll {

namespace {

// init_by_array as a seed sequence: std::mt19937 takes what it generates as its state.
class InitByArray {
 public:
  using result_type = uint32_t;

  explicit InitByArray(uint64_t seed) : key_{static_cast<uint32_t>(seed)} {
    if (seed >> 32 != 0) key_.push_back(static_cast<uint32_t>(seed >> 32));
  }

  template <typename Iterator>
  void generate(Iterator begin, Iterator end) {
    const auto count = static_cast<size_t>(end - begin);
    begin[0] = 19650218U;
    for (size_t i = 1; i < count; ++i)
      begin[i] = 1812433253U * mixed(begin[i - 1]) + static_cast<uint32_t>(i);
    size_t i = 1;
    const auto advance = [&] {
      if (++i == count) {
        begin[0] = begin[count - 1];
        i = 1;
      }
    };
    size_t j = 0;
    for (size_t k = std::max(count, key_.size()); k > 0; --k) {
      begin[i] = (begin[i] ^ (mixed(begin[i - 1]) * 1664525U)) + key_[j] + static_cast<uint32_t>(j);
      advance();
      j = (j + 1) % key_.size();
    }
    for (size_t k = count - 1; k > 0; --k) {
      begin[i] = (begin[i] ^ (mixed(begin[i - 1]) * 1566083941U)) - static_cast<uint32_t>(i);
      advance();
    }
    begin[0] = 0x80000000U;
  }

 private:
  static uint32_t mixed(uint32_t word) { return word ^ (word >> 30); }

  std::vector<uint32_t> key_;
};

}  // namespace

PythonRandom::PythonRandom(uint64_t seed) {
  InitByArray words(seed);
  generator_.seed(words);
}

size_t PythonRandom::below(size_t n) {
  const auto bits = static_cast<unsigned>(std::bit_width(n));
  uint64_t drawn = 0;
  do {
    // Numbers of more than 32 bits take their low word first.
    drawn =
        bits <= 32 ? next() >> (32 - bits) : next() | (static_cast<uint64_t>(next() >> (64 - bits)) << 32);
  } while (drawn >= n);
  return drawn;
}

std::vector<size_t> pick_items(size_t n, size_t limit, uint64_t seed) {
  std::vector<size_t> picked(n);
  std::iota(picked.begin(), picked.end(), size_t{0});
  if (limit == 0 || limit >= n) return picked;
  if (seed != 0) PythonRandom(seed).shuffle(picked);
  picked.resize(limit);
  std::sort(picked.begin(), picked.end());
  return picked;
}

}  // namespace longscroll
