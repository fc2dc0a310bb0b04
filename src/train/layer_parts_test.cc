// Norm and rotation against the formula in float64, gradients by autograd through the formula.
#include <cmath>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "train/rms_norm.h"
#include "train/rotary.h"

namespace longscroll::train {
namespace {

using torch::Tensor;

constexpr double kEpsilon = 1e-5;
// Sums of a few hundred float32 terms, and a division or two.
constexpr double kFloatTolerance = 2e-6;

Tensor norm_formula(const Tensor& x, const Tensor& weight) {
  return x * (x.square().mean(-1, true) + kEpsilon).rsqrt() * weight;
}

double largest_difference(const Tensor& found, const Tensor& expected) {
  return (found.to(torch::kDouble) - expected).abs().max().item<double>() /
         expected.abs().max().item<double>();
}

TEST(RmsNorm, ValuesAndGradientsAreThoseOfTheFormula) {
  torch::manual_seed(1);
  const Tensor x = torch::randn({3, 5, 96}).requires_grad_();
  const Tensor weight = torch::randn({96}).requires_grad_();
  const Tensor upstream = torch::randn({3, 5, 96});
  const Tensor x64 = x.detach().to(torch::kDouble).requires_grad_();
  const Tensor weight64 = weight.detach().to(torch::kDouble).requires_grad_();

  const Tensor found = rms_norm(x, weight, kEpsilon);
  const Tensor expected = norm_formula(x64, weight64);
  found.backward(upstream);
  expected.backward(upstream.to(torch::kDouble));

  EXPECT_LT(largest_difference(found, expected), kFloatTolerance);
  EXPECT_LT(largest_difference(x.grad(), x64.grad()), kFloatTolerance);
  EXPECT_LT(largest_difference(weight.grad(), weight64.grad()), kFloatTolerance);
}

TEST(RmsNorm, InBf16OnlyTheResultIsRounded) {
  torch::manual_seed(2);
  const Tensor x = torch::randn({4, 64}).to(torch::kBFloat16);
  const Tensor weight = torch::randn({64});
  const Tensor found = rms_norm(x, weight, kEpsilon);
  const Tensor expected = rms_norm(x.to(torch::kFloat), weight, kEpsilon);
  EXPECT_EQ(found.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::equal(found, expected.to(torch::kBFloat16)));
}

TEST(RmsNorm, RowsBeyondOneBlockAreAllThere) {
  torch::manual_seed(3);
  const Tensor x = torch::randn({2100, 256});  // more than two blocks of 2^18 values
  const Tensor weight = torch::ones({256});
  const Tensor found = rms_norm(x, weight, kEpsilon);
  EXPECT_LT(largest_difference(found, norm_formula(x.to(torch::kDouble), weight.to(torch::kDouble))),
            kFloatTolerance);
}

RopeConfig rope_of(uint32_t rotary_dim) {
  RopeConfig config;
  config.rotary_dim = rotary_dim;
  return config;
}

TEST(Rotary, PositionsRestartWithEveryDocument) {
  RotaryTables tables(rope_of(8), torch::kCPU);
  const RotaryTable table = tables.table_of({{0, 3, 10}, {}});
  ASSERT_EQ(table.cos.size(0), 10);
  EXPECT_TRUE(torch::equal(table.cos.narrow(0, 0, 3), table.cos.narrow(0, 3, 3)));
  EXPECT_TRUE(torch::equal(table.sin.narrow(0, 0, 3), table.sin.narrow(0, 3, 3)));
  EXPECT_NEAR(table.sin[9][0].item<double>(), std::sin(6.0), 1e-7);
}

TEST(Rotary, DynamicNtkTurnsEachDocumentByItsOwnLength) {
  RopeConfig config = rope_of(8);
  config.scaling = RopeScaling::kDynamicNtk;
  config.factor = 4.0;
  config.original_max_position = 4;
  RotaryTables tables(config, torch::kCPU);
  const RotaryTable both = tables.table_of({{0, 3, 15}, {}});
  const RotaryTable alone = tables.table_of({{0, 12}, {}});
  EXPECT_TRUE(torch::equal(both.cos.narrow(0, 3, 12), alone.cos));
  EXPECT_FALSE(torch::equal(both.cos.narrow(0, 0, 3), alone.cos.narrow(0, 0, 3)));
}

// Pairs as complex numbers, which need no sign conventions.
Tensor rotation_formula(const Tensor& x, const RotaryTable& table, int64_t half) {
  const Tensor pairs =
      torch::complex(x.narrow(2, 0, half).contiguous(), x.narrow(2, half, half).contiguous());
  const Tensor turns =
      torch::complex(table.cos.to(torch::kDouble), table.sin.to(torch::kDouble)).unsqueeze(1);
  const Tensor turned = pairs * turns;
  return torch::cat({torch::real(turned), torch::imag(turned), x.narrow(2, 2 * half, x.size(2) - 2 * half)},
                    2);
}

TEST(Rotary, ValuesAndGradientsAreThoseOfAComplexProduct) {
  torch::manual_seed(4);
  RotaryTables tables(rope_of(8), torch::kCPU);
  const RotaryTable table = tables.table_of({{0, 4, 11}, {}});
  const Tensor x = torch::randn({11, 3, 12}).requires_grad_();  // 4 of 12 dimensions are not rotated
  const Tensor upstream = torch::randn({11, 3, 12});
  const Tensor x64 = x.detach().to(torch::kDouble).requires_grad_();

  const Tensor found = rotate(x, table);
  const Tensor expected = rotation_formula(x64, table, 4);
  found.backward(upstream);
  expected.backward(upstream.to(torch::kDouble));

  EXPECT_LT(largest_difference(found, expected), kFloatTolerance);
  EXPECT_LT(largest_difference(x.grad(), x64.grad()), kFloatTolerance);
}

}  // namespace
}  // namespace longscroll::train
