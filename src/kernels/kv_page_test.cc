// Pages: what is stored comes back within half a step of its scale, and every set writes the same bytes.
#include "kernels/kv_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/test_rows.h"

namespace longscroll {
namespace {

using enum KvCode;

const std::vector<std::pair<KvCode, KvCode>> kPairs = {{kF32, kF32}, {kF16, kF16}, {kBF16, kBF16},
                                                       {kQ8, kQ8},   {kQ8, kQ4},   {kQ4, kQ4}};

float half_step(KvCode code, float largest) {
  switch (code) {
    case kF32:
      return 0.0f;
    case kF16:
      return largest * 0x1p-11f;
    case kBF16:
      return largest * 0x1p-8f;
    case kQ8:
      return largest / 127.0f * 0.5001f;
    case kQ4:  // the far side of the extreme has one step less
      return largest / 8.0f * 1.0001f;
  }
  return 0.0f;
}

TEST(KvPage, EveryPositionComesBackWithinHalfAStep) {
  for (const auto& [key, value] : kPairs) {
    for (const size_t dim : {32u, 64u, 96u, 128u, 256u}) {
      const KvFormat format{key, value, dim};
      std::vector<uint8_t> page(format.bytes());
      std::vector<std::vector<float>> rows;
      for (size_t slot = 0; slot < kPageKeys; ++slot) {
        rows.push_back(random_floats(dim, static_cast<uint32_t>(slot), 1.0f + static_cast<float>(slot)));
        store_key_reference(format, rows[slot].data(), slot, page.data());
        std::vector<float> negated = rows[slot];
        for (float& x : negated) x = -x;
        store_value_reference(format, negated.data(), slot, page.data());
      }
      std::vector<float> k(dim), v(dim);
      for (size_t slot = 0; slot < kPageKeys; ++slot) {
        load_key_reference(format, page.data(), slot, k.data());
        load_value_reference(format, page.data(), slot, v.data());
        float largest = 0;
        for (const float x : rows[slot]) largest = std::max(largest, std::fabs(x));
        for (size_t h = 0; h < dim; ++h) {
          ASSERT_NEAR(k[h], rows[slot][h], half_step(key, largest)) << "key " << slot << " at " << h;
          ASSERT_NEAR(v[h], -rows[slot][h], half_step(value, largest)) << "value " << slot << " at " << h;
        }
      }
    }
  }
}

class KvPageOfSet : public testing::TestWithParam<const KernelSet*> {};

TEST_P(KvPageOfSet, HoldsTheReferencesBytes) {
  if (!GetParam()->available()) GTEST_SKIP() << "this processor lacks " << GetParam()->description;
  for (const auto& [key, value] : kPairs) {
    for (const size_t dim : {32u, 64u, 96u, 256u}) {
      const bool centered = key >= kQ8 && dim != 96;
      const KvFormat format{key, value, dim, centered};
      std::vector<uint8_t> expected(format.bytes()), found(format.bytes());
      if (centered) {
        const std::vector<float> center = random_floats(dim, 99, 50.0f);
        std::memcpy(expected.data() + format.center(), center.data(), dim * sizeof(float));
        std::memcpy(found.data() + format.center(), center.data(), dim * sizeof(float));
      }
      for (size_t slot = 0; slot < kPageKeys; ++slot) {
        std::vector<float> x = random_floats(dim, static_cast<uint32_t>(slot), 3.0f);
        if (slot == 5) std::fill(x.begin(), x.end(), 0.0f);
        if (slot == 6) std::fill(x.begin(), x.end(), 1e-38f);
        if (slot == 7) x[3] = -x[3] * 1e4f;
        store_key_reference(format, x.data(), slot, expected.data());
        store_value_reference(format, x.data(), slot, expected.data());
        GetParam()->store_key(format, x.data(), slot, found.data());
        GetParam()->store_value(format, x.data(), slot, found.data());
      }
      const auto differs = std::mismatch(found.begin(), found.end(), expected.begin()).first - found.begin();
      ASSERT_EQ(found.size(), static_cast<size_t>(differs))
          << "byte differs: " << static_cast<int>(key) << " " << static_cast<int>(value) << " " << dim;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, KvPageOfSet,
                         testing::ValuesIn(all_kernel_sets().begin(), all_kernel_sets().end()),
                         [](const auto& tested) { return std::string(tested.param->name); });

TEST(KvPage, WhatIsNotANumberDoesNoHarm) {
  const KvFormat format{kQ8, kQ4, 64};
  std::vector<uint8_t> page(format.bytes());
  std::vector<float> x(64, std::numeric_limits<float>::quiet_NaN());
  x[3] = std::numeric_limits<float>::infinity();
  for (const KernelSet* set : all_kernel_sets()) {
    if (!set->available()) continue;
    set->store_key(format, x.data(), 1, page.data());
    set->store_value(format, x.data(), 1, page.data());
  }
}

}  // namespace
}  // namespace longscroll
