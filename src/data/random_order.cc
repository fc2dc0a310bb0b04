#include "data/random_order.h"

#include <cassert>
#include <numeric>
#include <utility>

namespace longscroll::data {
namespace {

constexpr uint64_t kIncrement = 0x9e3779b97f4a7c15u;

uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

}  // namespace

// Mixed after each part, so that neighbouring seeds and places do not walk along one another's path.
Random::Random(uint64_t seed, uint64_t a, uint64_t b)
    : state_(mixed(mixed(mixed(seed + kIncrement) ^ (a + kIncrement)) ^ (b + kIncrement))) {}

uint64_t Random::next() {
  state_ += kIncrement;
  return mixed(state_);
}

uint32_t Random::below(uint32_t bound) {
  assert(bound > 0);
  const auto draw = [&] { return (next() >> 32) * bound; };
  uint64_t product = draw();
  if (static_cast<uint32_t>(product) < bound) {
    const uint32_t rejected = (0u - bound) % bound;
    while (static_cast<uint32_t>(product) < rejected) product = draw();
  }
  return static_cast<uint32_t>(product >> 32);
}

std::vector<uint32_t> shuffled(uint32_t count, Random& random) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  for (uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace longscroll::data
