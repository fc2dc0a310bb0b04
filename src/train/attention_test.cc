// Against dense attention with a mask, in float64, gradients by autograd.
#include "train/attention.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace longscroll::train {
namespace {

using torch::Tensor;

constexpr int64_t kHeadDim = 16;
// torch's kernel takes exponentials to about 20 units of float32's last place.
constexpr double kFloatTolerance = 1e-5;

DocumentBounds bounds(std::vector<int64_t> edges) {
  return {std::move(edges), {}};
}

Tensor dense_formula(const Tensor& q, const Tensor& k, const Tensor& v, const DocumentBounds& documents,
                     double scale) {
  const int64_t tokens = q.size(0), group = q.size(1) / k.size(1);
  Tensor mask = torch::full({tokens, tokens}, -INFINITY, torch::kDouble);
  for (int64_t d = 0; d < documents.count(); ++d) {
    for (int64_t i = documents.begin(d); i < documents.edges[d + 1]; ++i)
      mask[i].narrow(0, documents.begin(d), i + 1 - documents.begin(d)).zero_();
  }
  const Tensor q_NTH = q.transpose(0, 1);
  const Tensor k_NTH = k.repeat_interleave(group, 1).transpose(0, 1);
  const Tensor v_NTH = v.repeat_interleave(group, 1).transpose(0, 1);
  const Tensor weights = torch::softmax(torch::matmul(q_NTH, k_NTH.transpose(1, 2)) * scale + mask, -1);
  return torch::matmul(weights, v_NTH).transpose(0, 1);
}

double largest_difference(const Tensor& found, const Tensor& expected) {
  return (found.to(torch::kDouble) - expected).abs().max().item<double>() /
         expected.abs().max().item<double>();
}

struct Inputs {
  Tensor q, k, v, upstream;
};

Inputs random_inputs(int64_t tokens, int64_t heads, int64_t kv_heads) {
  torch::manual_seed(11);
  return {torch::randn({tokens, heads, kHeadDim}).requires_grad_(),
          torch::randn({tokens, kv_heads, kHeadDim}).requires_grad_(),
          torch::randn({tokens, kv_heads, kHeadDim}).requires_grad_(),
          torch::randn({tokens, heads, kHeadDim})};
}

void expect_as_dense(int64_t heads, int64_t kv_heads, const std::vector<int64_t>& edges) {
  const DocumentBounds documents = bounds(edges);
  const Inputs in = random_inputs(edges.back(), heads, kv_heads);
  const auto wide = [](const Tensor& x) { return x.detach().to(torch::kDouble).requires_grad_(); };
  const Tensor q64 = wide(in.q), k64 = wide(in.k), v64 = wide(in.v);
  const double scale = 0.25;

  const Tensor found = attend(in.q, in.k, in.v, documents, scale);
  const Tensor expected = dense_formula(q64, k64, v64, documents, scale);
  found.backward(in.upstream);
  expected.backward(in.upstream.to(torch::kDouble));

  EXPECT_LT(largest_difference(found, expected), kFloatTolerance);
  EXPECT_LT(largest_difference(in.q.grad(), q64.grad()), kFloatTolerance);
  EXPECT_LT(largest_difference(in.k.grad(), k64.grad()), kFloatTolerance);
  EXPECT_LT(largest_difference(in.v.grad(), v64.grad()), kFloatTolerance);
}

TEST(DocumentAttention, OneDocumentIsCausalAttention) {
  expect_as_dense(4, 4, {0, 37});
}

TEST(DocumentAttention, DocumentsSeeThemselvesAlone) {
  expect_as_dense(3, 3, {0, 1, 20, 21, 55});
}

TEST(DocumentAttention, QueriesOfAGroupShareTheirKeys) {
  expect_as_dense(6, 2, {0, 12, 40});
}

TEST(DocumentAttention, DocumentsLongerThanTheKernelsBlocksAreWhole) {
  expect_as_dense(2, 1, {0, 5, 1100});  // blocks of 512 keys and 256 queries
}

TEST(DocumentAttention, WhatIsKeptGivesTheSameBits) {
  const DocumentBounds documents = bounds({0, 12, 40});
  const Inputs in = random_inputs(40, 4, 2);
  AttentionMemory memory;
  Tensor first;
  {
    const torch::NoGradGuard no_grad;
    first = attend(in.q, in.k, in.v, documents, 0.25, &memory);
  }
  ASSERT_EQ(memory.kept.size(), 2u);
  const Tensor again = attend(in.q, in.k, in.v, documents, 0.25, &memory);
  again.backward(in.upstream);
  const Tensor grad_from_memory = in.k.grad().clone();
  in.k.mutable_grad().zero_();
  const Tensor plain = attend(in.q, in.k, in.v, documents, 0.25);
  plain.backward(in.upstream);
  EXPECT_TRUE(torch::equal(first, again));
  EXPECT_TRUE(torch::equal(first, plain));
  EXPECT_TRUE(torch::equal(grad_from_memory, in.k.grad()));
}

TEST(DocumentAttention, Bf16IsNearFloat32) {
  const DocumentBounds documents = bounds({0, 30, 64});
  const Inputs in = random_inputs(64, 4, 2);
  const auto narrow = [](const Tensor& x) { return x.detach().to(torch::kBFloat16); };
  const Tensor found = attend(narrow(in.q), narrow(in.k), narrow(in.v), documents, 0.25);
  const auto rounded = [&](const Tensor& x) { return narrow(x).to(torch::kDouble); };
  const Tensor expected = dense_formula(rounded(in.q), rounded(in.k), rounded(in.v), documents, 0.25);
  EXPECT_EQ(found.scalar_type(), torch::kBFloat16);
  // Probabilities and result are rounded to 8 bits each, and a result is a mean of values of about 1.
  EXPECT_LT(largest_difference(found, expected), 0.02);
}

}  // namespace
}  // namespace longscroll::train
