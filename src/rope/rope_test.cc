#include "rope/rope.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace longscroll {
namespace {

using nlohmann::json;

// Written by tools/make_rope_goldens.py.
json golden_cases() {
  std::ifstream file(LONGSCROLL_GOLDEN_DIR "/rope/rope.json");
  return json::parse(file).at("cases");
}

RopeConfig config_of(const json& golden) {
  const json& parameters = golden.at("parameters");
  RopeConfig config;
  config.base = golden.at("base");
  config.rotary_dim = golden.at("rotary_dim");
  config.scaling = rope_scaling_from_name(parameters.at("rope_type").get<std::string>()).value();
  config.factor = parameters.value("factor", 1.0);
  config.original_max_position = parameters.value("original_max_position_embeddings",
                                                  golden.at("max_position_embeddings").get<uint32_t>());
  config.low_freq_factor = parameters.value("low_freq_factor", 1.0);
  config.high_freq_factor = parameters.value("high_freq_factor", 4.0);
  config.beta_fast = parameters.value("beta_fast", 32.0);
  config.beta_slow = parameters.value("beta_slow", 1.0);
  config.truncate = parameters.value("truncate", true);
  if (parameters.contains("attention_factor")) config.attention_factor = parameters.at("attention_factor");
  if (parameters.contains("mscale")) config.mscale = parameters.at("mscale");
  if (parameters.contains("mscale_all_dim")) config.mscale_all_dim = parameters.at("mscale_all_dim");
  return config;
}

RopeConfig plain(uint32_t rotary_dim = 64) {
  RopeConfig config;
  config.rotary_dim = rotary_dim;
  return config;
}

std::string error_of(const RopeConfig& config) {
  try {
    validate(config);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kArgument);
    return error.what();
  }
  return "";
}

TEST(Rope, FrequenciesEqualTransformersInDouble) {
  const json cases = golden_cases();
  ASSERT_GE(cases.size(), 20u);
  for (const json& golden : cases) {
    const RopeFrequencies found = rope_frequencies(config_of(golden), golden.at("length"));
    const auto expected = golden.at("inv_freq_f64").get<std::vector<double>>();
    ASSERT_EQ(found.inv_freq.size(), expected.size()) << golden.at("name");
    // A dozen double operations, and pow, whose exponent times ln(base) is below 16.
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(found.inv_freq[i], expected[i], 1e-14 * expected[i]) << golden.at("name") << " " << i;
    }
    EXPECT_DOUBLE_EQ(found.attention_scale, golden.at("attention_scale").get<double>()) << golden.at("name");
  }
}

TEST(Rope, FrequenciesEqualTransformersFloat32UpToItsRounding) {
  constexpr double kHalfUlp = 0x1p-24;
  for (const json& golden : golden_cases()) {
    const RopeConfig config = config_of(golden);
    const RopeFrequencies found = rope_frequencies(config, golden.at("length"));
    const auto expected = golden.at("inv_freq_f32").get<std::vector<double>>();
    // The exponent is rounded before pow magnifies it by ln(base); six operations follow.
    const double tolerance = kHalfUlp * (6.0 + std::log(config.base * config.factor));
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(found.inv_freq[i], expected[i], tolerance * expected[i]) << golden.at("name") << " " << i;
    }
  }
}

TEST(Rope, TableIsExactToFloatRoundingAtFarPositions) {
  RopeConfig config = plain(128);
  config.base = 320000.0;
  const RopeFrequencies frequencies = rope_frequencies(config, 0);
  constexpr size_t kWidth = 64;
  for (uint64_t position : {0u, 1u, 4096u, 32767u, 131071u}) {
    std::vector<float> cos_TF(kWidth), sin_TF(kWidth);
    rope_table(frequencies, position, 1, cos_TF.data(), sin_TF.data());
    for (size_t i = 0; i < kWidth; ++i) {
      const long double angle = position / powl(320000.0L, static_cast<long double>(2 * i) / 128.0L);
      // Half a float's last place below 1, and the double angle: 131071 rad with a few roundings.
      constexpr long double kTolerance = 0x1p-25L + 131071.0L * 8 * 0x1p-53L;
      EXPECT_NEAR(cos_TF[i], cosl(angle), kTolerance) << position << " " << i;
      EXPECT_NEAR(sin_TF[i], sinl(angle), kTolerance) << position << " " << i;
    }
  }
}

TEST(Rope, TableRowsFollowPositionsAndCarryTheAttentionScale) {
  const RopeFrequencies frequencies{{1.0, 0.25}, 1.5};
  std::vector<float> cos_TF(6), sin_TF(6);
  rope_table(frequencies, 7, 3, cos_TF.data(), sin_TF.data());
  EXPECT_FLOAT_EQ(cos_TF[0], 1.5 * std::cos(7.0));
  EXPECT_FLOAT_EQ(cos_TF[3], 1.5 * std::cos(2.0));
  EXPECT_FLOAT_EQ(sin_TF[4], 1.5 * std::sin(9.0));
  EXPECT_FLOAT_EQ(sin_TF[5], 1.5 * std::sin(2.25));
}

TEST(Rope, OnlyDynamicNtkDependsOnLength) {
  for (const json& golden : golden_cases()) {
    const RopeConfig config = config_of(golden);
    const bool same = rope_frequencies(config, 1).inv_freq == rope_frequencies(config, 1000000).inv_freq;
    EXPECT_EQ(same, config.scaling != RopeScaling::kDynamicNtk) << golden.at("name");
  }
}

TEST(Rope, DivisorsDivideEachFrequency) {
  RopeConfig config = plain(4);
  config.frequency_divisors = {1.0f, 8.0f};
  EXPECT_THAT(rope_frequencies(config, 0).inv_freq, testing::ElementsAre(1.0, testing::DoubleEq(0.01 / 8.0)));
}

TEST(Rope, NamesRoundTrip) {
  for (RopeScaling scaling : {RopeScaling::kNone, RopeScaling::kLinear, RopeScaling::kNtk,
                              RopeScaling::kDynamicNtk, RopeScaling::kYarn, RopeScaling::kLlama3}) {
    EXPECT_EQ(rope_scaling_from_name(to_string(scaling)), scaling);
  }
  EXPECT_EQ(rope_scaling_from_name("default"), RopeScaling::kNone);
  EXPECT_EQ(rope_scaling_from_name("longrope"), std::nullopt);
}

TEST(Rope, ImpossibleConfigurationsNameTheField) {
  EXPECT_EQ(error_of(plain()), "");
  RopeConfig config = plain(63);
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.rotary_dim"));
  config = plain(0);
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.rotary_dim"));
  config = plain();
  config.base = 1.0;
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.base"));
  config.base = std::nan("");
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.base"));
  config = plain();
  config.frequency_divisors = {1.0f};
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.frequency_divisors"));
  config.frequency_divisors.assign(32, 0.0f);
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.frequency_divisors"));
}

TEST(Rope, ImpossibleScalingsNameTheField) {
  RopeConfig config = plain();
  config.scaling = RopeScaling::kLinear;
  config.factor = 0.0;
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.factor"));
  config.factor = 2.0;
  config.scaling = RopeScaling::kYarn;
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.original_max_position"));
  config.original_max_position = 2048;
  config.beta_fast = 0.5;
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.beta_fast"));
  config.scaling = RopeScaling::kLlama3;
  config.high_freq_factor = 1.0;
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.high_freq_factor"));
  config.high_freq_factor = 4.0;
  config.frequency_divisors.assign(32, 1.0f);
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.frequency_divisors"));
  config = plain(2);
  config.scaling = RopeScaling::kNtk;
  EXPECT_THAT(error_of(config), testing::HasSubstr("rope.rotary_dim"));
}

}  // namespace
}  // namespace longscroll
