#include "rope/rope_extension.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace longscroll {
namespace {

using nlohmann::json;
using testing::HasSubstr;

RopeConfig plain(double base, uint32_t dim) {
  RopeConfig rope;
  rope.base = base;
  rope.rotary_dim = dim;
  return rope;
}

// Written by tools/make_rope_goldens.py, from transformers.
json golden(const std::string& name) {
  const json file = json::parse(std::ifstream(LONGSCROLL_GOLDEN_DIR "/rope/rope.json"));
  for (const json& found : file.at("cases")) {
    if (found.at("name") == name) return found;
  }
  ADD_FAILURE() << name;
  return {};
}

TEST(RopeExtension, EveryFormIsReadAndWritten) {
  for (const char* form :
       {"dynamic-ntk:8", "dynamic-ntk-cached:8", "ntk:2.5", "linear:4", "yarn:4", "base:320000", "none"}) {
    EXPECT_EQ(to_string(parse_rope_extension(form, "--rope")), form);
  }
  EXPECT_TRUE(parse_rope_extension("dynamic-ntk-cached:8", "--rope").keep_cached);
  EXPECT_FALSE(parse_rope_extension("dynamic-ntk:8", "--rope").keep_cached);
}

TEST(RopeExtension, OtherTextsAreRefusedWithTheForms) {
  for (const char* text : {"", "yarn", "yarn:", "yarn:0.5", "yarn:4x", "yarn:inf", "yarn:2000", "base:1",
                           "llama3:8", "yarn:nan", "linear:-2"}) {
    EXPECT_THROW(parse_rope_extension(text, "--rope"), Error) << text;
  }
  try {
    parse_rope_extension("llama3:8", "--rope");
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("dynamic-ntk:F"));
  }
}

// Frequencies of an extended plain model are those that transformers makes of a configuration with that
// scaling: double against double, a few roundings of pow and a division apart.
TEST(RopeExtension, FrequenciesEqualTransformers) {
  struct Case {
    const char* golden;
    const char* form;
    uint64_t window;
    uint64_t extended;
  };
  for (const Case& c : {Case{"linear_4", "linear:4", 2048, 8192}, Case{"yarn_4", "yarn:4", 2048, 8192},
                        Case{"yarn_qwen", "yarn:4", 32768, 131072}, Case{"ntk_4", "ntk:4", 8192, 32768},
                        Case{"dynamic_32768", "dynamic-ntk:8", 4096, 32768},
                        Case{"dynamic_4200", "dynamic-ntk:4", 2048, 8192}}) {
    const json expected = golden(c.golden);
    const ExtendedRope extended = extend_rope(plain(expected.at("base"), expected.at("rotary_dim")), c.window,
                                              parse_rope_extension(c.form, "--rope"));
    EXPECT_EQ(extended.window, c.extended) << c.golden;
    const RopeFrequencies found = rope_frequencies(extended.rope, expected.at("length").get<uint64_t>());
    const auto wanted = expected.at("inv_freq_f64").get<std::vector<double>>();
    ASSERT_EQ(found.inv_freq.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_NEAR(found.inv_freq[i] / wanted[i], 1.0, 1e-14) << c.golden << " " << i;
    EXPECT_NEAR(found.attention_scale, expected.at("attention_scale").get<double>(), 1e-6) << c.golden;
  }
}

TEST(RopeExtension, ABaseKeepsTheModelsScalingAndWindow) {
  RopeConfig own = plain(500000.0, 64);
  own.scaling = RopeScaling::kYarn;
  own.factor = 4;
  own.original_max_position = 2048;
  const ExtendedRope extended = extend_rope(own, 8192, {.base = 1e6});
  EXPECT_EQ(extended.window, 8192u);
  EXPECT_TRUE(extended.remarks.empty());
  own.base = 1e6;
  EXPECT_EQ(extended.rope, own);
}

TEST(RopeExtension, AScalingTakesTheOldOnesPlaceAndStartsFromWhatWasTrained) {
  RopeConfig own = plain(500000.0, 64);
  own.scaling = RopeScaling::kYarn;
  own.factor = 4;
  own.original_max_position = 2048;
  const ExtendedRope extended = extend_rope(own, 8192, {.scaling = RopeScaling::kLinear, .factor = 2});
  EXPECT_EQ(extended.window, 4096u);
  EXPECT_THAT(extended.remarks, testing::ElementsAre(HasSubstr("yarn by 4")));
  own = plain(500000.0, 4);
  own.frequency_divisors = {1.0f, 8.0f};
  const ExtendedRope without = extend_rope(own, 8192, {});
  EXPECT_TRUE(without.rope.frequency_divisors.empty());
  EXPECT_EQ(without.window, 8192u);
  EXPECT_THAT(without.remarks, testing::ElementsAre(HasSubstr("rope_freqs.weight")));
}

}  // namespace
}  // namespace longscroll
