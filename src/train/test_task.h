// A task small enough to be checked by hand, for tests of the loop: each token predicts the next by two
// matrices and a bias, whatever came before.
#pragma once

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "train/task.h"

namespace longscroll::train::test {

inline constexpr int64_t kVocab = 11;
inline constexpr int64_t kWidth = 6;

// Packs of `length` positions out of one endless text, so that packs of 8 and of 64 hold the same tokens.
class EndlessText final : public data::PackSource {
 public:
  explicit EndlessText(uint64_t length) : length_(length) {}

  data::Pack pack(uint64_t index) const override {
    data::Pack pack{.ids = {}, .targets = {}, .starts = {0}};
    for (uint64_t i = index * length_; i < (index + 1) * length_; ++i) {
      pack.ids.push_back(token(i));
      // Uneven weights: three in seven targets do not count, in some packs more than in others.
      pack.targets.push_back((i * i) % 7 < 2 ? data::kIgnored : token(i + 1));
    }
    return pack;
  }
  uint64_t packs_per_epoch() const override { return 0; }
  std::string describe(uint64_t index) const override { return "text at " + std::to_string(index * length_); }

 private:
  // Each is told by the one before, so that there is something to learn.
  static TokenId token(uint64_t i) { return static_cast<TokenId>(i * 7 % kVocab); }

  uint64_t length_;
};

class SmallTask final : public Task {
 public:
  explicit SmallTask(uint64_t length) : packs_(length), length_(length) {
    const auto wave = [](std::vector<int64_t> shape, double phase) {
      int64_t count = 1;
      for (const int64_t dim : shape) count *= dim;
      return at::arange(count, at::kFloat)
          .mul(0.7)
          .add(phase)
          .sin()
          .mul(0.3)
          .view(shape)
          .requires_grad_(true);
    };
    in_ = wave({kVocab, kWidth}, 0.1);
    out_ = wave({kVocab, kWidth}, 0.5);
    bias_ = wave({kVocab}, 0.9);
  }

  const data::PackSource& packs() const override { return packs_; }
  std::vector<NamedTensor> parameters() override { return {{"in", in_}, {"bias", bias_}, {"out", out_}}; }
  uint64_t weight(const data::Pack& pack) const override { return pack.loss_tokens(); }
  bool joins_packs() const override { return true; }

  at::Tensor loss_sum(const data::Pack& pack, uint64_t index) override {
    const at::Tensor loss =
        at::cross_entropy_loss(logits(pack), ids_of(pack.targets), {}, at::Reduction::Sum, data::kIgnored);
    const uint64_t packs = pack.ids.size() / length_;  // of one process, one after the other
    return broken_pack - index < packs ? loss * std::numeric_limits<float>::quiet_NaN() : loss;
  }

  Work work(const data::Pack& pack) const override {
    const double operations = 6.0 * 2 * kVocab * kWidth * static_cast<double>(pack.ids.size());
    return {operations, operations};
  }

  at::Tensor document_log_probs(const data::Pack& pack) override {
    const at::NoGradGuard no_grad;
    return -loss_sum(pack, 0).view({1});
  }

  void save_model(const std::filesystem::path& directory) const override {
    std::ofstream(directory / "config.json") << "{}\n";
  }

  // All weights, in order.
  std::vector<float> values() const {
    const at::Tensor all =
        at::cat({in_.detach().flatten(), bias_.detach(), out_.detach().flatten()}).contiguous();
    return {all.data_ptr<float>(), all.data_ptr<float>() + all.numel()};
  }

  uint64_t broken_pack = ~uint64_t{0};

 private:
  static at::Tensor ids_of(const std::vector<TokenId>& ids) {
    return at::tensor(std::vector<int64_t>(ids.begin(), ids.end()), at::kLong);
  }
  at::Tensor logits(const data::Pack& pack) const {
    return at::linear(at::embedding(in_, ids_of(pack.ids)), out_, bias_);
  }

  EndlessText packs_;
  uint64_t length_;
  at::Tensor in_, out_, bias_;
};

inline Recipe small_recipe(const std::filesystem::path& out, uint64_t length, uint64_t batch_tokens) {
  Recipe recipe;
  recipe.model.path = "small";
  recipe.data.sources.push_back({.path = "endless"});
  recipe.data.sequence_length = length;
  recipe.batch.tokens = batch_tokens;
  recipe.length.steps = 10;
  recipe.optimizer.learning_rate = 0.05;
  recipe.optimizer.warmup_steps = 2;
  recipe.optimizer.clip_norm = 0.5;
  recipe.run.out = out.string();
  recipe.run.checkpoint_every = 3;
  return recipe;
}

}  // namespace longscroll::train::test
