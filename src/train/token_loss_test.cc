// Against the loss over whole logits, in float64, gradients by autograd.
#include "train/token_loss.h"

#include <gtest/gtest.h>
#include <torch/nn/functional/normalization.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace longscroll::train {
namespace {

using torch::Tensor;

constexpr int64_t kTokens = 23, kHidden = 32, kVocab = 300;
// Sums of 300 terms in float32.
constexpr double kFloatTolerance = 3e-6;

struct Inputs {
  Tensor hidden, weight, targets;
};

Inputs random_inputs() {
  torch::manual_seed(5);
  return {torch::randn({kTokens, kHidden}).requires_grad_(), torch::randn({kVocab, kHidden}).requires_grad_(),
          torch::randint(kVocab, {kTokens}, torch::kLong)};
}

Tensor wide(const Tensor& x) {
  return x.detach().to(torch::kDouble).requires_grad_();
}

Tensor log_probs_formula(const Tensor& hidden, const Tensor& weight, const Tensor& targets, bool normalise) {
  namespace functional = torch::nn::functional;
  const Tensor rows =
      normalise ? functional::normalize(weight, functional::NormalizeFuncOptions().dim(1)) : weight;
  const Tensor logits = torch::matmul(hidden, rows.t());
  return torch::log_softmax(logits, 1).gather(1, targets.unsqueeze(1)).squeeze(1);
}

double largest_difference(const Tensor& found, const Tensor& expected) {
  return (found.to(torch::kDouble) - expected).abs().max().item<double>() /
         expected.abs().max().item<double>();
}

HeadOptions options_of(bool normalise, int64_t chunk) {
  HeadOptions options;
  options.normalise_rows = normalise;
  options.chunk = chunk;
  return options;
}

// Normalised or not, and chunks that divide the tokens or do not.
class Heads : public testing::TestWithParam<std::tuple<bool, int64_t>> {};

TEST_P(Heads, SumAndGradientsAreThoseOfWholeLogits) {
  const auto [normalise, chunk] = GetParam();
  const Inputs in = random_inputs();
  const Tensor hidden64 = wide(in.hidden), weight64 = wide(in.weight);
  const Tensor found = cross_entropy_sum(in.hidden, in.weight, in.targets, options_of(normalise, chunk));
  const Tensor expected = -log_probs_formula(hidden64, weight64, in.targets, normalise).sum();
  (found * 0.125).backward();
  (expected * 0.125).backward();
  EXPECT_LT(largest_difference(found, expected), kFloatTolerance);
  EXPECT_LT(largest_difference(in.hidden.grad(), hidden64.grad()), kFloatTolerance);
  EXPECT_LT(largest_difference(in.weight.grad(), weight64.grad()), kFloatTolerance);
}

TEST_P(Heads, LogProbabilitiesTakeAFactorEach) {
  const auto [normalise, chunk] = GetParam();
  const Inputs in = random_inputs();
  const Tensor factors = torch::randn({kTokens});
  const Tensor hidden64 = wide(in.hidden), weight64 = wide(in.weight);
  const Tensor found = target_log_probs(in.hidden, in.weight, in.targets, options_of(normalise, chunk));
  const Tensor expected = log_probs_formula(hidden64, weight64, in.targets, normalise);
  found.backward(factors);
  expected.backward(factors.to(torch::kDouble));
  EXPECT_LT(largest_difference(found, expected), kFloatTolerance);
  EXPECT_LT(largest_difference(in.hidden.grad(), hidden64.grad()), kFloatTolerance);
  EXPECT_LT(largest_difference(in.weight.grad(), weight64.grad()), kFloatTolerance);
}

INSTANTIATE_TEST_SUITE_P(All, Heads,
                         testing::Combine(testing::Values(false, true),
                                          testing::Values(int64_t{1}, int64_t{7}, int64_t{23},
                                                          int64_t{100})));

TEST(TokenLoss, ANormalisedRowsGradientIsAcrossTheRow) {
  const Inputs in = random_inputs();
  cross_entropy_sum(in.hidden, in.weight, in.targets, options_of(true, 8)).backward();
  const Tensor along = (in.weight.grad() * in.weight.detach()).sum(1).abs().max();
  const Tensor size = in.weight.grad().norm() * in.weight.detach().norm();
  EXPECT_LT(along.item<double>() / size.item<double>(), 1e-6);
}

TEST(TokenLoss, AFrozenHeadHasNoGradient) {
  const Inputs in = random_inputs();
  const Tensor frozen = in.weight.detach();
  cross_entropy_sum(in.hidden, frozen, in.targets, options_of(true, 8)).backward();
  EXPECT_TRUE(in.hidden.grad().defined());
  EXPECT_FALSE(frozen.grad().defined());
}

TEST(TokenLoss, WithoutAutogradTheSumIsTheSame) {
  const Inputs in = random_inputs();
  const Tensor with = cross_entropy_sum(in.hidden, in.weight, in.targets, options_of(false, 8));
  const torch::NoGradGuard no_grad;
  const Tensor without = cross_entropy_sum(in.hidden, in.weight, in.targets, options_of(false, 8));
  EXPECT_TRUE(torch::equal(with.detach(), without));
}

TEST(TokenLoss, NoTargetsAreALossOfZero) {
  const Inputs in = random_inputs();
  const Tensor none = torch::empty({0}, torch::kLong);
  const Tensor hidden = in.hidden.narrow(0, 0, 0);
  const Tensor loss = cross_entropy_sum(hidden, in.weight, none, options_of(true, 8));
  loss.backward();
  EXPECT_EQ(loss.item<float>(), 0.0f);
  EXPECT_EQ(in.weight.grad().abs().max().item<float>(), 0.0f);
}

TEST(TokenLoss, Bf16IsNearFloat32) {
  Inputs in = random_inputs();
  HeadOptions options = options_of(true, 8);
  const Tensor expected = cross_entropy_sum(in.hidden, in.weight, in.targets, options);
  options.compute = torch::kBFloat16;
  const Tensor narrow = in.hidden.detach().to(torch::kBFloat16).requires_grad_();
  const Tensor weight = in.weight.detach().clone().requires_grad_();
  const Tensor found = cross_entropy_sum(narrow, weight, in.targets, options);
  expected.backward();
  found.backward();
  EXPECT_EQ(found.scalar_type(), torch::kFloat);
  EXPECT_EQ(weight.grad().scalar_type(), torch::kFloat);
  // Inputs and logits have 8 bits: half a unit of 2^-8 each, in logits of up to about 3.
  EXPECT_LT(largest_difference(found, expected.to(torch::kDouble)), 0.005);
  EXPECT_LT(largest_difference(weight.grad(), in.weight.grad().to(torch::kDouble)), 0.02);
}

}  // namespace
}  // namespace longscroll::train
