// Loss and gradients against transformers in float32 (tools/make_train_goldens.py), logits against its own
// too.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <nlohmann/json.hpp>

#include "formats/safetensors.h"
#include "train/test_models.h"
#include "train/weights_io.h"

namespace longscroll::train {
namespace {

using test::largest_distance;
using test::loss_gradients;
using torch::Tensor;

const std::filesystem::path kGoldens = LONGSCROLL_GOLDEN_DIR;
// Two float32 computations of the same thing; torch's attention takes exponentials to 20 units of the last
// place.
constexpr double kGradientTolerance = 1e-5;

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream in(path);
  return nlohmann::json::parse(in);
}

LanguageModel load(const std::string& name, const ModelOptions& options) {
  const auto source = load_model(kGoldens / "tiny" / name);
  LanguageModel model(trainable_config(source->config), options);
  load_weights(model, *source);
  return model;
}

data::Pack pack_of(const nlohmann::json& golden) {
  data::Pack pack;
  for (size_t d = 0; d < golden["documents"].size(); ++d) {
    pack.starts.push_back(static_cast<uint32_t>(pack.ids.size()));
    for (const TokenId id : golden["documents"][d]) pack.ids.push_back(id);
    for (const TokenId target : golden["targets"][d]) pack.targets.push_back(target);
  }
  return pack;
}

std::map<std::string, Tensor> tensors_of(const SafetensorsFile& file) {
  std::map<std::string, Tensor> tensors;
  for (const TensorView& view : file.tensors()) {
    const std::vector<int64_t> shape(view.shape.begin(), view.shape.end());
    const Tensor tensor = torch::empty(shape, torch::kFloat);
    std::memcpy(tensor.data_ptr<float>(), view.data.data(), view.data.size());
    tensors[view.name] = tensor;
  }
  return tensors;
}

class Goldens : public testing::TestWithParam<const char*> {};

TEST_P(Goldens, LossAndEveryGradientAreThoseOfTransformers) {
  const nlohmann::json golden = read_json(kGoldens / "train" / (std::string(GetParam()) + ".json"));
  const auto expected =
      tensors_of(SafetensorsFile(kGoldens / "train" / (std::string(GetParam()) + ".safetensors")));
  const data::Pack pack = pack_of(golden);
  for (const bool checkpoint : {false, true}) {
    ModelOptions options = test::plain_options();
    options.checkpoint_layers = checkpoint;
    options.loss_chunk = checkpoint ? 16 : 1024;
    LanguageModel model = load(GetParam(), options);
    const double loss = golden["loss"].get<double>();
    EXPECT_NEAR(model.loss_sum(pack).item<double>(), loss, kGradientTolerance * loss);
    const double away = largest_distance(loss_gradients(model, pack), expected);
    EXPECT_LT(away, kGradientTolerance) << "checkpointing " << checkpoint;
    RecordProperty(checkpoint ? "distance_checkpointed" : "distance", std::to_string(away));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Goldens, testing::Values("index_theta", "llama", "qwen2", "qwen3"));

class TinyModels : public testing::TestWithParam<const char*> {};

// Over 4,200 tokens, so that every rotary scaling is past its original window.
TEST_P(TinyModels, LogitsAreThoseOfTransformers) {
  const nlohmann::json golden = read_json(kGoldens / "tiny" / GetParam() / "golden.json");
  LanguageModel model = load(GetParam(), test::plain_options());
  data::Pack pack;
  pack.ids = golden["ids"].get<std::vector<TokenId>>();
  pack.targets.assign(pack.ids.size(), data::kIgnored);
  pack.starts = {0};
  const auto positions = golden["positions"].get<std::vector<uint32_t>>();
  const Tensor found = model.logits(pack, positions);
  double largest = 0.0, away = 0.0;
  for (size_t p = 0; p < positions.size(); ++p) {
    const auto expected = golden["logits_f64"][p].get<std::vector<double>>();
    const Tensor wide = torch::tensor(expected, torch::kDouble);
    largest = std::max(largest, wide.abs().max().item<double>());
    away =
        std::max(away, (found[static_cast<int64_t>(p)].to(torch::kDouble) - wide).abs().max().item<double>());
  }
  // As the engine's float32 path is held to float64: sums of 4,200 probabilities through two layers.
  EXPECT_LT(away / largest, 2e-5);
}

INSTANTIATE_TEST_SUITE_P(All, TinyModels,
                         testing::Values("llama", "llama_bias", "llama_linear", "llama_dynamic", "llama_yarn",
                                         "llama_llama3", "qwen2", "qwen3", "index_theta", "index_ratio",
                                         "index_base"));

}  // namespace
}  // namespace longscroll::train
