#include "suites/python_random.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace longscroll {

PythonRandom::PythonRandom(uint64_t seed) {
  std::vector<uint32_t> key = {static_cast<uint32_t>(seed)};
  if (seed >> 32 != 0) key.push_back(static_cast<uint32_t>(seed >> 32));
  seed_by_words(key);
}

void PythonRandom::seed_by_number(uint32_t seed) {
  state_[0] = seed;
  for (size_t i = 1; i < kWords; ++i) {
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30)) + static_cast<uint32_t>(i);
  }
}

void PythonRandom::seed_by_words(const std::vector<uint32_t>& key) {
  seed_by_number(19650218U);
  size_t i = 1;
  const auto advance = [&] {
    if (++i == kWords) {
      state_[0] = state_[kWords - 1];
      i = 1;
    }
  };
  size_t j = 0;
  for (size_t k = std::max(kWords, key.size()); k > 0; --k) {
    const uint32_t mixed = state_[i - 1] ^ (state_[i - 1] >> 30);
    state_[i] = (state_[i] ^ (mixed * 1664525U)) + key[j] + static_cast<uint32_t>(j);
    advance();
    j = (j + 1) % key.size();
  }
  for (size_t k = kWords - 1; k > 0; --k) {
    const uint32_t mixed = state_[i - 1] ^ (state_[i - 1] >> 30);
    state_[i] = (state_[i] ^ (mixed * 1566083941U)) - static_cast<uint32_t>(i);
    advance();
  }
  state_[0] = 0x80000000U;
  used_ = kWords;
}

void PythonRandom::refill() {
  constexpr size_t kShift = 397;
  for (size_t i = 0; i < kWords; ++i) {
    const uint32_t joined = (state_[i] & 0x80000000U) | (state_[(i + 1) % kWords] & 0x7fffffffU);
    const uint32_t twist = (joined & 1U) != 0 ? 0x9908b0dfU : 0U;
    state_[i] = state_[(i + kShift) % kWords] ^ (joined >> 1) ^ twist;
  }
  used_ = 0;
}

uint32_t PythonRandom::next() {
  if (used_ == kWords) refill();
  uint32_t word = state_[used_++];
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680U;
  word ^= (word << 15) & 0xefc60000U;
  return word ^ (word >> 18);
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
