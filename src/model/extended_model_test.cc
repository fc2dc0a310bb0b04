#include "model/extended_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "base/error.h"

namespace longscroll {
namespace {

using testing::HasSubstr;

const std::filesystem::path kTiny = std::filesystem::path(LONGSCROLL_GOLDEN_DIR) / "tiny";

TEST(ExtendedModel, SharesTheWeightsAndOutlivesTheOther) {
  std::shared_ptr<const Model> model = load_model(kTiny / "llama");
  const std::weak_ptr<const Model> owner = model;
  const std::byte* embedding = model->weights.embedding.data;
  const std::shared_ptr<const Model> extended =
      extend_model(std::move(model), parse_rope_extension("yarn:4", "--rope"));
  EXPECT_FALSE(owner.expired());
  EXPECT_EQ(extended->weights.embedding.data, embedding);
  EXPECT_EQ(extended->config.max_position, 4 * owner.lock()->config.max_position);
  EXPECT_EQ(extended->config.rope.scaling, RopeScaling::kYarn);
  EXPECT_EQ(extended->config.rope_local, extended->config.rope);
  EXPECT_THAT(extended->remarks, testing::Contains(HasSubstr("yarn:4")));
}

TEST(ExtendedModel, LayersWithASlidingWindowKeepTheirRotation) {
  const auto model = load_model(kTiny / "gemma3");
  const auto extended = extend_model(model, parse_rope_extension("linear:2", "--rope"));
  EXPECT_EQ(extended->config.rope_local, model->config.rope_local);
  EXPECT_EQ(extended->config.rope.scaling, RopeScaling::kLinear);
}

// The tiny checkpoints' logits are compared with transformers as their files scale them
// (engine/session_test.cc): the same by --rope is the same rotation to the last bit.
TEST(ExtendedModel, AScalingAskedForIsTheOneThatAFileDeclares) {
  for (const auto& [name, form] : {std::pair{"llama_linear", "linear:4"},
                                   {"llama_dynamic", "dynamic-ntk:4"},
                                   {"llama_yarn", "yarn:4"}}) {
    const auto declared = load_model(kTiny / name);
    const auto plain = extend_model(declared, RopeExtension{});
    ASSERT_EQ(plain->config.rope.scaling, RopeScaling::kNone) << name;
    const auto asked = extend_model(plain, parse_rope_extension(form, "--rope"));
    for (const uint64_t length : {100u, 2049u, 8000u}) {
      const RopeFrequencies wanted = rope_frequencies(declared->config.rope, length);
      const RopeFrequencies found = rope_frequencies(asked->config.rope, length);
      EXPECT_EQ(found.inv_freq, wanted.inv_freq) << name << " " << length;
      EXPECT_EQ(found.attention_scale, wanted.attention_scale) << name;
    }
  }
}

TEST(ExtendedModel, AWindowAloneChangesNothingElse) {
  const auto model = load_model(kTiny / "llama");
  const auto extended = extend_model(model, std::nullopt, 100000);
  EXPECT_EQ(extended->config.max_position, 100000u);
  EXPECT_EQ(extended->config.rope, model->config.rope);
  EXPECT_EQ(extend_model(model, std::nullopt), model);
  EXPECT_THROW(extend_model(model, std::nullopt, uint64_t{1} << 31), Error);
}

}  // namespace
}  // namespace longscroll
