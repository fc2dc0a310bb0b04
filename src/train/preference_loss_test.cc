#include "train/preference_loss.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace longscroll::train {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

TEST(PreferenceLoss, IsTheSmoothedSigmoidOfTheMargin) {
  const at::Tensor policy = at::tensor({-10.0, -12.0, -7.0, -5.0}, at::kDouble);
  const at::Tensor reference = at::tensor({-11.0, -11.0, -7.5, -6.5}, at::kDouble);
  const double first =
      0.1 * ((-10.0 + 11.0) - (-12.0 + 11.0));  // the chosen answer gained 1, the other lost 1
  const double second = 0.1 * ((-7.0 + 7.5) - (-5.0 + 6.5));
  for (const double smoothing : {0.0, 0.2}) {
    const PreferenceLoss loss = preference_loss(policy, reference, 0.1, smoothing);
    const auto of = [&](double margin) {
      return -(1 - smoothing) * std::log(sigmoid(margin)) - smoothing * std::log(sigmoid(-margin));
    };
    EXPECT_NEAR(loss.sum.item<double>(), of(first) + of(second), 1e-12);
    EXPECT_NEAR(loss.margins[0].item<double>(), first, 1e-12);
    EXPECT_NEAR(loss.margins[1].item<double>(), second, 1e-12);
  }
}

TEST(PreferenceLoss, IsLog2WhereThePolicyIsTheReference) {
  const at::Tensor values = at::tensor({-10.0, -12.0}, at::kDouble);
  EXPECT_NEAR(preference_loss(values, values, 0.5, 0.1).sum.item<double>(), std::log(2.0), 1e-12);
}

TEST(PreferenceLoss, PushesTheChosenAnswerUpAndTheRejectedDown) {
  const at::Tensor policy = at::tensor({-10.0, -12.0}, at::kDouble).requires_grad_(true);
  const at::Tensor reference = at::tensor({-10.5, -11.0}, at::kDouble);
  preference_loss(policy, reference, 0.1, 0.0).sum.backward();
  const double margin = 0.1 * (0.5 + 1.0);
  EXPECT_NEAR(policy.grad()[0].item<double>(), -0.1 * sigmoid(-margin), 1e-12);
  EXPECT_NEAR(policy.grad()[1].item<double>(), 0.1 * sigmoid(-margin), 1e-12);
}

}  // namespace
}  // namespace longscroll::train
