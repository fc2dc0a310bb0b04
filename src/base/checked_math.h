// Sizes that come from a file: arithmetic that reports overflow instead of wrapping.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace longscroll {

inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
  uint64_t product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// Product of all dimensions; 1 for an empty shape.
inline std::optional<uint64_t> checked_product(std::span<const uint64_t> dims) {
  uint64_t product = 1;
  for (uint64_t dim : dims) {
    if (__builtin_mul_overflow(product, dim, &product)) return std::nullopt;
  }
  return product;
}

// Smallest multiple of `multiple` (> 0) that is >= value.
inline std::optional<uint64_t> checked_round_up(uint64_t value, uint64_t multiple) {
  const uint64_t rest = value % multiple;
  return rest == 0 ? std::optional<uint64_t>(value) : checked_add(value, multiple - rest);
}

}  // namespace longscroll
