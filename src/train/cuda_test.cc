// The path on a CUDA device against the one on the CPU, which other tests hold against formulas. Skipped
// where there is no device.
//
// Tolerances: bf16 keeps 8 bits, so a rounding is at most 2^-9 of a value; one operation has its own and
// those of what it sums. For a whole model the measure is the CPU in bf16: CUDA may be as far from float32 as
// that, and half as much again, since it rounds in other places.
#include <map>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "train/attention.h"
#include "train/device.h"
#include "train/language_model.h"
#include "train/rms_norm.h"
#include "train/rotary.h"
#include "train/test_models.h"

namespace longscroll::train {
namespace {

using torch::Tensor;

constexpr double kRounding = 1.0 / 512;
constexpr double kOneStep = 2 * kRounding;
constexpr double kMoreThanTheCpu = 1.5;

class CudaTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!at::hasCUDA()) GTEST_SKIP() << "there is no CUDA device";
    torch::manual_seed(5);
  }
};

DocumentBounds bounds_of(const std::vector<int64_t>& edges) {
  const Tensor ends = torch::tensor(edges, torch::kInt);
  return {edges, ends.to(torch::kCUDA)};
}

struct Inputs {
  Tensor q, k, v, upstream;
};

Inputs random_inputs(int64_t tokens, int64_t heads, int64_t kv_heads, int64_t head_dim) {
  const auto draw = [&](int64_t count) {
    return torch::randn({tokens, count, head_dim}).to(torch::kCUDA, torch::kBFloat16);
  };
  return {draw(heads).requires_grad_(), draw(kv_heads).requires_grad_(), draw(kv_heads).requires_grad_(),
          draw(heads)};
}

// The same values on the CPU in float32: what is left is the kernel's own error.
void expect_as_on_the_cpu(const Inputs& in, const std::vector<int64_t>& edges) {
  const auto wide = [](const Tensor& x) {
    return x.detach().to(torch::kCPU, torch::kFloat).requires_grad_();
  };
  const Tensor q = wide(in.q), k = wide(in.k), v = wide(in.v);
  const double scale = 0.1;
  const Tensor found = attend(in.q, in.k, in.v, bounds_of(edges), scale);
  const Tensor expected = attend(q, k, v, {edges, {}}, scale);
  found.backward(in.upstream);
  expected.backward(wide(in.upstream).detach());
  EXPECT_LT(test::distance(found.cpu(), expected), kOneStep);
  EXPECT_LT(test::distance(in.q.grad().cpu(), q.grad()), 2 * kOneStep);
  EXPECT_LT(test::distance(in.k.grad().cpu(), k.grad()), 2 * kOneStep);
  EXPECT_LT(test::distance(in.v.grad().cpu(), v.grad()), 2 * kOneStep);
}

TEST_F(CudaTest, AttentionOfAPackIsTheCpus) {
  expect_as_on_the_cpu(random_inputs(700, 4, 4, 64), {0, 1, 300, 301, 700});
}

TEST_F(CudaTest, AttentionWithSharedKeysIsTheCpus) {
  expect_as_on_the_cpu(random_inputs(700, 6, 2, 64), {0, 320, 700});
}

TEST_F(CudaTest, AttentionOfOneLongDocumentIsTheCpus) {
  expect_as_on_the_cpu(random_inputs(16384, 1, 1, 128), {0, 16384});
}

TEST_F(CudaTest, AttentionOfOneLongDocumentOfAnOddLengthIsTheCpus) {
  expect_as_on_the_cpu(random_inputs(16387, 1, 1, 128), {0, 16387});
}

TEST_F(CudaTest, NormIsTheCpus) {
  const Tensor x = torch::randn({300, 2048}).to(torch::kBFloat16);
  const Tensor weight = torch::randn({2048}).requires_grad_();
  const Tensor upstream = torch::randn({300, 2048}).to(torch::kBFloat16);
  const Tensor x_device = x.to(torch::kCUDA).requires_grad_();
  const Tensor weight_device = weight.detach().to(torch::kCUDA).requires_grad_();
  const Tensor x_wide = x.to(torch::kFloat).requires_grad_();
  const Tensor found = rms_norm(x_device, weight_device, 1e-6);
  const Tensor expected = rms_norm(x_wide, weight, 1e-6);
  found.backward(upstream.to(torch::kCUDA));
  expected.backward(upstream.to(torch::kFloat));
  EXPECT_EQ(weight_device.grad().scalar_type(), torch::kFloat);
  EXPECT_LT(test::distance(found.cpu(), expected), kOneStep);
  EXPECT_LT(test::distance(x_device.grad().cpu(), x_wide.grad()), kOneStep);
  EXPECT_LT(test::distance(weight_device.grad().cpu(), weight.grad()), kOneStep);
}

TEST_F(CudaTest, RotationIsTheCpus) {
  const Tensor x = torch::randn({50, 3, 32}).to(torch::kBFloat16);
  const Tensor angles = torch::randn({50, 12});
  const RotaryTable table{angles.cos(), angles.sin()};
  const RotaryTable there{table.cos.to(torch::kCUDA), table.sin.to(torch::kCUDA)};
  const Tensor found = rotate(x.to(torch::kCUDA), there).cpu();
  // A fused multiply and add rounds once where the CPU may round twice: a last bit of bf16 in few places.
  EXPECT_LT(test::distance(found, rotate(x, table)), kRounding / 4);
}

class CudaModelTest : public CudaTest, public testing::WithParamInterface<const char*> {
 protected:
  static ModelOptions options(const char* device, Compute compute) {
    ModelOptions chosen = test::plain_options();
    chosen.compute = compute;
    chosen.device = device;
    return chosen;
  }
  // The same weights on the device.
  static LanguageModel on_device(const LanguageModel& cpu, const ModelOptions& chosen) {
    LanguageModel model(cpu.config(), chosen);
    const torch::NoGradGuard no_grad;
    auto there = model.named_parameters();
    for (const auto& item : cpu.named_parameters()) there[item.key()].copy_(item.value());
    return model;
  }
  // How far the CPU's gradients in bf16 are from those in float32.
  static double cpu_error(const data::Pack& pack) {
    LanguageModel exact = test::make_model(GetParam(), options("cpu", Compute::kF32));
    LanguageModel rounded = test::make_model(GetParam(), options("cpu", Compute::kBF16));
    return test::largest_distance(test::loss_gradients(rounded, pack), test::loss_gradients(exact, pack));
  }
  static std::map<std::string, Tensor> on_cpu(std::map<std::string, Tensor> gradients) {
    for (auto& [name, gradient] : gradients) gradient = gradient.cpu();
    return gradients;
  }
};

TEST_P(CudaModelTest, LossAndGradientsAreTheCpus) {
  LanguageModel cpu = test::make_model(GetParam(), options("cpu", Compute::kF32));
  LanguageModel cuda = on_device(cpu, options("cuda", Compute::kBF16));
  const data::Pack pack = test::random_pack({40, 7, 90}, cpu.config().vocab_size, 3);
  const auto expected_loss = cpu.loss_sum(pack).item<double>();
  EXPECT_NEAR(cuda.loss_sum(pack).item<double>() / expected_loss, 1.0, kOneStep);
  EXPECT_LT(test::largest_distance(on_cpu(test::loss_gradients(cuda, pack)), test::loss_gradients(cpu, pack)),
            kMoreThanTheCpu * cpu_error(pack));
}

TEST_P(CudaModelTest, APackIsTheSumOfItsDocuments) {
  LanguageModel cuda =
      on_device(test::make_model(GetParam(), options("cpu", Compute::kF32)), options("cuda", Compute::kBF16));
  const data::Pack pack = test::random_pack({40, 7, 90}, cuda.config().vocab_size, 3);
  const auto together = test::loss_gradients(cuda, pack);
  const auto loss = cuda.loss_sum(pack).item<double>();
  double sum = 0;
  cuda.zero_grad();
  for (size_t d = 0; d < pack.starts.size(); ++d) {
    const Tensor own = cuda.loss_sum(test::document_of(pack, d));
    sum += own.item<double>();
    own.backward();
  }
  EXPECT_NEAR(sum / loss, 1.0, kRounding);
  EXPECT_LT(test::largest_distance(on_cpu(test::gradients_of(cuda)), on_cpu(together)), cpu_error(pack));
}

TEST_P(CudaModelTest, AChangedDocumentLeavesTheOthersLossesAsTheyAreToTheBit) {
  LanguageModel cuda =
      on_device(test::make_model(GetParam(), options("cpu", Compute::kF32)), options("cuda", Compute::kBF16));
  data::Pack pack = test::random_pack({40, 7, 90}, cuda.config().vocab_size, 3);
  const Tensor before =
      cuda.target_log_probs(pack).detach().cpu();  // 39 of the first document, 6 of the second
  pack.ids[43] = (pack.ids[43] + 1) % static_cast<TokenId>(cuda.config().vocab_size);
  const Tensor after = cuda.target_log_probs(pack).detach().cpu();
  EXPECT_TRUE(torch::equal(before.narrow(0, 0, 39), after.narrow(0, 0, 39)));
  EXPECT_FALSE(torch::equal(before.narrow(0, 39, 6), after.narrow(0, 39, 6)));
  EXPECT_TRUE(torch::equal(before.narrow(0, 45, 89), after.narrow(0, 45, 89)));
}

TEST_P(CudaModelTest, CheckpointedLayersGiveTheSameGradients) {
  ModelOptions chosen = options("cuda", Compute::kBF16);
  LanguageModel plain = on_device(test::make_model(GetParam(), options("cpu", Compute::kF32)), chosen);
  chosen.checkpoint_layers = true;
  chosen.ffn_chunk = 64;
  chosen.loss_chunk = 32;
  LanguageModel checkpointed = on_device(plain, chosen);
  const data::Pack pack = test::random_pack({40, 7, 90}, plain.config().vocab_size, 3);
  EXPECT_LT(test::largest_distance(on_cpu(test::loss_gradients(checkpointed, pack)),
                                   on_cpu(test::loss_gradients(plain, pack))),
            cpu_error(pack));
}

INSTANTIATE_TEST_SUITE_P(Architectures, CudaModelTest, testing::Values("index", "llama", "qwen2", "qwen3"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST_F(CudaTest, TheRateOfAProductAndThePeakOfMemoryAreMeasured) {
  EXPECT_GT(measure_matmul_rate("cuda", Compute::kBF16), 1e12);
  const uint64_t three_matrices = uint64_t{3} * 2 * 8192 * 8192;
  EXPECT_GE(peak_memory_of(at::Device("cuda:0")), three_matrices);
  EXPECT_GE(peak_memory_of(at::Device("cuda")), three_matrices);
}

}  // namespace
}  // namespace longscroll::train
