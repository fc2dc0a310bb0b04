// Models of which only some matrices are packed: each gives what the same file gives multiplied as floats,
// but for the rounding of activations to bytes. That is at most 1/254 of a group's largest value, and the
// values of a group are smaller than it by two or three times: under 1% of a product, so under 5% of the
// largest logit after the four products of each of two layers in a row. A product of codes that nobody filled
// is far off.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/session.h"
#include "engine/test_sets.h"
#include "model/conversion.h"
#include "model/test_models.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

std::vector<float> last_logits(const fs::path& path, Packing packing) {
  LoadOptions load;
  load.packing = packing;
  Session session(load_model(path, load), {.threads = 2, .max_length = 64, .kv_type = KvType::kF32});
  std::vector<TokenId> ids(40);
  std::iota(ids.begin(), ids.end(), 3);
  session.prefill(ids);
  return {session.logits().begin(), session.logits().end()};
}

class PartlyPacked : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
  }
  test::TempFolder folder_;
};

TEST_P(PartlyPacked, MatricesAreMultipliedAsTheSameOnesInFloats) {
  const fs::path whole = folder_.path() / "whole.gguf", mixed = folder_.path() / "mixed.gguf";
  convert_model(fs::path(LONGSCROLL_GOLDEN_DIR) / "tiny" / "llama", whole,
                {.to = ModelForm::kGguf, .type = DType::kF32});
  test::quantize_some(whole, mixed, std::string(GetParam()) + ".weight");
  const std::vector<float> floats = last_logits(mixed, Packing::kNone),
                           packed = last_logits(mixed, Packing::kPack);
  ASSERT_EQ(packed.size(), floats.size());
  EXPECT_NE(packed, floats) << "nothing was packed";
  float largest = 0, away = 0;
  for (size_t i = 0; i < floats.size(); ++i) {
    largest = std::max(largest, std::fabs(floats[i]));
    away = std::max(away, std::fabs(packed[i] - floats[i]));
  }
  EXPECT_LT(away, 0.05f * largest);
}

INSTANTIATE_TEST_SUITE_P(Roles, PartlyPacked,
                         testing::Values("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up",
                                         "ffn_down", "output"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace longscroll
