// Train a step, export, read the export with the engine: its float32 logits are the trainer's.
// With LONGSCROLL_EXPORTS naming a folder, the exports stay there for tests/interop, each with the trainer's
// logits.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <nlohmann/json.hpp>

#include "base/test_folder.h"
#include "engine/session.h"
#include "train/adapter_io.h"
#include "train/language_model.h"
#include "train/weights_io.h"

namespace longscroll::train {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

constexpr size_t kLength = 200;
constexpr double kLearningRate = 1e-3;
const fs::path kTiny = fs::path(LONGSCROLL_GOLDEN_DIR) / "tiny";

data::Pack document_of(const std::string& name) {
  std::ifstream in(kTiny / name / "golden.json");
  auto ids = nlohmann::json::parse(in).at("ids").get<std::vector<TokenId>>();
  ids.resize(kLength);
  data::Pack pack{ids, {ids.begin() + 1, ids.end()}, {0}};
  pack.targets.push_back(data::kIgnored);
  return pack;
}

// One step of plain gradient descent, so that every weight that learns has moved.
void step(LanguageModel& model, const data::Pack& pack) {
  model.loss_sum(pack).backward();
  const torch::NoGradGuard no_grad;
  for (Tensor& parameter : model.parameters()) {
    if (parameter.grad().defined()) parameter.sub_(parameter.grad(), kLearningRate);
  }
}

std::vector<float> engine_logits(const fs::path& path, const std::vector<TokenId>& ids) {
  Session session(load_model(path), {.threads = 1, .max_length = kLength, .kv_type = KvType::kF32});
  std::vector<float> all;
  session.forward_all(ids, [&](size_t, size_t rows, const float* rows_TV) {
    all.insert(all.end(), rows_TV, rows_TV + rows * session.model().config.vocab_size);
  });
  return all;
}

double cross_entropy(const std::vector<float>& logits, const data::Pack& pack, size_t vocab) {
  double sum = 0.0;
  for (size_t t = 0; t + 1 < pack.ids.size(); ++t) {
    const float* row = logits.data() + t * vocab;
    double total = 0.0;
    for (size_t v = 0; v < vocab; ++v) total += std::exp(static_cast<double>(row[v]));
    sum += std::log(total) - row[pack.targets[t]];
  }
  return sum;
}

struct Case {
  const char* name;
  uint32_t lora_rank = 0;
  bool whole_modules = false;  // embeddings, head and norms are trained beside the adapters

  std::string title() const {
    return std::string(name) + (lora_rank > 0 ? "_lora" : "") + (whole_modules ? "_whole" : "");
  }
};

fs::path export_folder(const test::TempFolder& temporary, const Case& own) {
  const char* kept = std::getenv("LONGSCROLL_EXPORTS");
  const fs::path folder = (kept != nullptr ? fs::path(kept) : temporary.path()) / own.title();
  fs::create_directories(folder / "adapter");
  return folder;
}

void write_logits(const fs::path& path, const data::Pack& pack, const Tensor& logits_TV) {
  nlohmann::json rows = nlohmann::json::array();
  for (const int64_t t : {int64_t{0}, int64_t{57}, logits_TV.size(0) - 1}) {
    const Tensor row = logits_TV[t].contiguous();
    const float* values = row.data_ptr<float>();
    rows.push_back({{"position", t}, {"logits", std::vector<float>(values, values + row.numel())}});
  }
  std::ofstream(path) << nlohmann::json{{"ids", pack.ids}, {"rows", rows}};
}

class TrainedExport : public testing::TestWithParam<Case> {};

TEST_P(TrainedExport, LogitsAndLossOfTheEngineAreTheTrainers) {
  const char* name = GetParam().name;
  ModelOptions options;
  options.compute = Compute::kF32;
  options.lora.rank = GetParam().lora_rank;
  options.lora.train_embeddings = options.lora.train_norms = GetParam().whole_modules;
  const auto source = load_model(kTiny / name);
  LanguageModel model(trainable_config(source->config), options);
  load_weights(model, *source);
  const data::Pack pack = document_of(name);
  step(model, pack);
  step(model, pack);  // an adapter's A moves once B is no longer zero

  const test::TempFolder temporary;
  const fs::path folder = export_folder(temporary, GetParam());
  save_weights(model, kTiny / name, folder, {.type = DType::kF32});
  std::vector<uint32_t> positions(kLength);
  for (size_t t = 0; t < kLength; ++t) positions[t] = static_cast<uint32_t>(t);
  const Tensor expected = model.logits(pack, positions);
  write_logits(folder / "trained.json", pack, expected);
  if (GetParam().lora_rank > 0) save_adapter(model, (kTiny / name).string(), folder / "adapter");
  const std::vector<float> found = engine_logits(folder, pack.ids);
  const size_t vocab = model.config().vocab_size;
  ASSERT_EQ(found.size(), kLength * vocab);
  const Tensor found_TV = torch::tensor(found).view({static_cast<int64_t>(kLength), -1});
  // As the engine's own logits are held to transformers'.
  EXPECT_LT((found_TV - expected).abs().max().item<double>(), 2e-5 * expected.abs().max().item<double>());
  const Tensor before_TV = torch::tensor(engine_logits(kTiny / name, pack.ids)).view_as(found_TV);
  EXPECT_GT((found_TV - before_TV).abs().max().item<double>(), 1e-2);  // the steps were taken

  const torch::NoGradGuard no_grad;
  const double loss = model.loss_sum(pack).item<double>();
  EXPECT_NEAR(cross_entropy(found, pack, vocab), loss, 1e-5 * loss);
}

INSTANTIATE_TEST_SUITE_P(All, TrainedExport,
                         testing::Values(Case{"llama"}, Case{"llama_bias"}, Case{"llama_yarn"}, Case{"qwen2"},
                                         Case{"qwen3"}, Case{"index_theta"}, Case{"llama", 4},
                                         Case{"qwen2", 4}, Case{"index_theta", 4}, Case{"llama", 4, true},
                                         Case{"qwen2", 4, true}, Case{"qwen3", 4, true}),
                         [](const auto& instance) { return instance.param.title(); });

}  // namespace
}  // namespace longscroll::train
