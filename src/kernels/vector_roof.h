// What the machine can do at most, in the instructions that the kernels live on: as many independent sums as
// a register tile has, with nothing to wait for.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"

namespace longscroll {
namespace {
namespace vector_kernels {

inline constexpr size_t kRoofSums = 12;

template <class D>
double roof_floats(size_t rounds) {
  volatile float opaque = 0.5f;  // so that nothing is computed before the program runs
  const auto a = D::broadcast(opaque), b = D::broadcast(opaque + 0.25f);
  typename D::F sums[kRoofSums];
  for (auto& sum : sums) sum = D::zero();
  for (size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (auto& sum : sums) sum = D::fma(sum, a, b);
  }
  volatile float kept = 0.0f;
  for (const auto& sum : sums) kept = kept + D::reduce_add(sum);
  return 2.0 * static_cast<double>(D::kWidth * kRoofSums * rounds);
}

template <class D>
double roof_bytes(size_t rounds) {
  volatile uint8_t opaque = 3;
  const auto codes = D::broadcast_byte(opaque), acts = D::broadcast_byte(opaque);
  typename D::I sums[kRoofSums];
  for (auto& sum : sums) sum = D::broadcast_int(0);
  for (size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      if constexpr (requires { D::dot4(sum, codes, acts); }) {
        sum = D::dot4(sum, codes, acts);
      } else {
        sum = D::dot4_signed(sum, codes, acts);
      }
    }
  }
  volatile float kept = 0.0f;
  for (const auto& sum : sums) kept = kept + D::reduce_add(D::to_float(sum));
  return 2.0 * 4.0 * static_cast<double>(D::kLanes * kRoofSums * rounds);
}

template <class D>
void read_through(const float* x, size_t count) {
  typename D::F sums[4] = {D::zero(), D::zero(), D::zero(), D::zero()};
  for (size_t i = 0; i + 4 * D::kWidth <= count; i += 4 * D::kWidth) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) sums[j] = D::add(sums[j], D::load(x + i + j * D::kWidth));
  }
  volatile float kept = 0.0f;
  for (const auto& sum : sums) kept = kept + D::reduce_add(sum);
}

}  // namespace vector_kernels
}  // namespace
}  // namespace longscroll
