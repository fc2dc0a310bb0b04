// Logits of converted models: what conversion may not change. Checkpoints of tools/make_tiny_checkpoints.py.
#include "model/conversion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/session.h"
#include "engine/test_models.h"
#include "engine/test_sets.h"
#include "model/test_models.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLength = 200;
std::vector<float> logits_of(const fs::path& path, std::vector<TokenId> ids) {
  Session session(load_model(path), {.threads = 1, .max_length = kLength, .kv_type = KvType::kF32});
  std::vector<float> all;
  session.forward_all(ids, [&](size_t, size_t rows, const float* rows_TV) {
    all.insert(all.end(), rows_TV, rows_TV + rows * session.model().config.vocab_size);
  });
  return all;
}

class ConvertedLogits : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (forced_set_is_missing()) GTEST_SKIP() << "this machine lacks the forced kernel set";
  }
  test::TempFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};

TEST_P(ConvertedLogits, ThroughGgufAndBackTheyAreTheSame) {
  const fs::path original = kTiny / GetParam();
  auto ids =
      nlohmann::json::parse(std::ifstream(original / "golden.json")).at("ids").get<std::vector<TokenId>>();
  ids.resize(kLength);
  convert_model(original, folder_ / "m.gguf", {.to = ModelForm::kGguf, .type = DType::kF32});
  convert_model(folder_ / "m.gguf", folder_ / "back", {.to = ModelForm::kHuggingFace, .type = DType::kF32});
  const auto wanted = logits_of(original, ids);
  const auto gguf = logits_of(folder_ / "m.gguf", ids);
  const auto back = logits_of(folder_ / "back", ids);
  ASSERT_EQ(gguf.size(), wanted.size());
  // GGUF's order of a head's dimensions, and the baked head, add up and round in another order.
  float largest = 0, away = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    largest = std::max(largest, std::fabs(wanted[i]));
    away = std::max({away, std::fabs(gguf[i] - wanted[i]), std::fabs(back[i] - wanted[i])});
  }
  EXPECT_LE(away, 2e-5f * largest);
  if (!load_model(original)->config.norm_head) {
    EXPECT_EQ(back, wanted) << "bit for bit";
    return;
  }
  convert_model(original, folder_ / "llama",
                {.to = ModelForm::kHuggingFace, .type = DType::kF32, .as_llama = true});
  EXPECT_EQ(back, logits_of(folder_ / "llama", ids)) << "bit for bit, by either way";
}

std::vector<std::string> checkpoints() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kTiny)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Golden, ConvertedLogits, testing::ValuesIn(checkpoints()),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace longscroll
