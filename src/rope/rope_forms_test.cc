#include "rope/rope_forms.h"

#include <gtest/gtest.h>

namespace longscroll {
namespace {

RopeConfig llama3(double factor, uint32_t window) {
  RopeConfig config;
  config.base = 500000.0;
  config.rotary_dim = 64;
  config.scaling = RopeScaling::kLlama3;
  config.factor = factor;
  config.original_max_position = window;
  return config;
}

RopeConfig divided(const RopeConfig& config) {
  RopeConfig plain;
  plain.base = config.base;
  plain.rotary_dim = config.rotary_dim;
  plain.frequency_divisors = llama3_divisors(config);
  return plain;
}

TEST(RopeForms, DivisorsGiveLlama3sFrequencies) {
  const RopeConfig config = llama3(8.0, 8192);
  const auto wanted = rope_frequencies(config, 0).inv_freq;
  const auto found = rope_frequencies(divided(config), 0).inv_freq;
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 6e-8 * wanted[i]) << i;
  EXPECT_EQ(divided(config).frequency_divisors.front(), 1.0f);
  EXPECT_EQ(divided(config).frequency_divisors.back(), 8.0f);
}

TEST(RopeForms, PublishedParametersAreFoundFromDivisors) {
  for (const double factor : {8.0, 32.0}) {
    EXPECT_EQ(llama3_from_divisors(divided(llama3(factor, 8192))), llama3(factor, 8192));
  }
  EXPECT_EQ(llama3_from_divisors(divided(llama3(4.0, 2048))), llama3(4.0, 2048));
}

TEST(RopeForms, DivisorsOfAnotherScalingAreNotTakenForLlama3s) {
  RopeConfig config = divided(llama3(8.0, 8192));
  config.frequency_divisors[3] = 2.0f;
  EXPECT_EQ(llama3_from_divisors(config), std::nullopt);
  config.frequency_divisors.clear();
  EXPECT_EQ(llama3_from_divisors(config), std::nullopt);
}

TEST(RopeForms, NtkIsALargerBase) {
  RopeConfig config;
  config.rotary_dim = 64;
  config.scaling = RopeScaling::kNtk;
  config.factor = 4.0;
  const RopeConfig plain = with_ntk_in_base(config);
  EXPECT_EQ(plain.scaling, RopeScaling::kNone);
  const auto wanted = rope_frequencies(config, 0).inv_freq;
  const auto found = rope_frequencies(plain, 0).inv_freq;
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-12 * wanted[i]) << i;
}

}  // namespace
}  // namespace longscroll
