// Times whole training steps (forward, backward, AdamW) of a model with random weights, and measures their
// peak memory and their share of the rate of one large product (operations by plan.h's usual count).
// bench/train_step.py runs it beside transformers. One line of JSON goes to standard output.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "train/device.h"
#include "train/language_model.h"
#include "train/plan.h"

namespace longscroll::train {
namespace {

struct Settings {
  ModelConfig config;
  ModelOptions options;
  std::string type = "bf16";
  uint32_t tokens = 2048;
  uint32_t documents = 1;
  int steps = 5;
  int threads = 0;
};

void add_options(CLI::App& app, Settings& settings) {
  ModelConfig& config = settings.config;
  config.architecture = "llama";
  app.add_option("--architecture", config.architecture, "index, llama, qwen2 or qwen3")
      ->capture_default_str();
  app.add_option("--vocab", config.vocab_size, "tokens of the vocabulary")->required();
  app.add_option("--hidden", config.hidden_size, "width of a layer")->required();
  app.add_option("--layers", config.num_layers, "layers")->required();
  app.add_option("--heads", config.num_heads, "query heads")->required();
  app.add_option("--kv-heads", config.num_kv_heads, "heads of keys and values")->required();
  app.add_option("--ffn", config.ffn_size, "width of the feed-forward part")->required();
  app.add_flag("--tied", config.tied_head, "the head is the embedding");
  app.add_option("--tokens", settings.tokens, "tokens of a step")->capture_default_str();
  app.add_option("--documents", settings.documents, "documents that the tokens are shared out to")
      ->capture_default_str();
  app.add_option("--device", settings.options.device, "cpu or cuda")->capture_default_str();
  app.add_option("--type", settings.type, "of products: f32 or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
  app.add_flag("--checkpoint,!--no-checkpoint", settings.options.checkpoint_layers, "recompute layers");
  app.add_flag("--keep-attention,!--no-keep-attention", settings.options.keep_attention,
               "with --checkpoint: keep what attention gave");
  app.add_option("--loss-chunk", settings.options.loss_chunk, "tokens of a chunk of the loss")
      ->capture_default_str();
  app.add_option("--ffn-chunk", settings.options.ffn_chunk, "tokens of a chunk of the feed-forward part")
      ->capture_default_str();
  app.add_option("--steps", settings.steps, "steps that are timed, after one that is not")
      ->capture_default_str();
  app.add_option("--threads", settings.threads, "0: torch's own choice")->capture_default_str();
}

void complete(Settings& settings) {
  ModelConfig& config = settings.config;
  config.head_dim = config.hidden_size / config.num_heads;
  config.max_position = settings.tokens;
  config.query_scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  config.rope.rotary_dim = config.head_dim;
  config.rope_local = config.rope;
  config.layer_local.assign(config.num_layers, 0);
  config.qk_norm = config.architecture == "qwen3";
  config.key_bias = config.architecture == "qwen2";
  config.norm_head = config.architecture == "index";
  settings.options.draw_weights = true;
  settings.options.compute = settings.type == "bf16" ? Compute::kBF16 : Compute::kF32;
  if (settings.documents == 0 || settings.tokens / settings.documents < 2)
    throw Error(ErrorKind::kArgument, "--documents", "must leave two tokens a document, does not");
}

data::Pack random_pack(const Settings& settings) {
  std::mt19937_64 random(1);
  data::Pack pack;
  for (uint32_t t = 0; t < settings.tokens; ++t) {
    pack.ids.push_back(static_cast<TokenId>(random() % settings.config.vocab_size));
    pack.targets.push_back(static_cast<TokenId>(random() % settings.config.vocab_size));
  }
  for (uint32_t d = 0; d < settings.documents; ++d)
    pack.starts.push_back(static_cast<uint32_t>(uint64_t{settings.tokens} * d / settings.documents));
  return pack;
}

// torch's own, which goes over all parameters in one call.
class AdamW {
 public:
  explicit AdamW(const std::vector<torch::Tensor>& parameters) : parameters_(parameters) {
    for (const torch::Tensor& parameter : parameters_) {
      first_moments_.push_back(at::zeros_like(parameter));
      second_moments_.push_back(at::zeros_like(parameter));
      steps_.push_back(at::zeros({}, parameter.options().requires_grad(false)));
    }
  }

  void step() {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> gradients;
    for (torch::Tensor& parameter : parameters_) gradients.push_back(parameter.grad());
    for (torch::Tensor& count : steps_) count.add_(1);
    at::_fused_adamw_(parameters_, gradients, first_moments_, second_moments_, /*max_exp_avg_sqs=*/{}, steps_,
                      /*lr=*/1e-5, /*beta1=*/0.9, /*beta2=*/0.95, /*weight_decay=*/0.1, /*eps=*/1e-8,
                      /*amsgrad=*/false, /*maximize=*/false);
    for (torch::Tensor& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
  }

 private:
  std::vector<torch::Tensor> parameters_, first_moments_, second_moments_, steps_;
};

nlohmann::json measure(const Settings& settings) {
  if (settings.threads > 0) torch::set_num_threads(settings.threads);
  torch::manual_seed(1);
  LanguageModel model(settings.config, settings.options);
  AdamW optimizer(model.parameters());
  const data::Pack pack = random_pack(settings);
  const at::Device device(settings.options.device);
  std::vector<double> seconds;
  double loss = 0.0;
  for (int i = 0; i <= settings.steps; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const torch::Tensor mean = model.loss_sum(pack) / static_cast<double>(settings.tokens);
    mean.backward();
    optimizer.step();
    loss = mean.item<double>();
    wait_for_device(device);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (i > 0 || settings.steps == 0) seconds.push_back(took.count());
  }
  const Work work = pack_work(settings.config, settings.options, shape_of(pack));
  return {{"seconds", seconds},
          {"tokens", settings.tokens},
          {"peak_gib", static_cast<double>(peak_memory_of(device)) / (1 << 30)},
          {"operations", work.usual},
          {"operations_computed", work.computed},
          {"matmul_rate", measure_matmul_rate(settings.options.device, settings.options.compute)},
          {"loss", loss}};
}

}  // namespace
}  // namespace longscroll::train

int main(int argc, char** argv) {
  CLI::App app("Times training steps of a model with random weights");
  longscroll::train::Settings settings;
  longscroll::train::add_options(app, settings);
  CLI11_PARSE(app, argc, argv);
  try {
    longscroll::train::complete(settings);
    std::cout << longscroll::train::measure(settings) << '\n' << std::flush;
  } catch (const longscroll::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
