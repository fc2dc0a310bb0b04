#include "train/sharded_adamw.h"

#include <fstream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "train/schedule.h"

namespace longscroll::train {
namespace {

at::Tensor tensor_of(const nlohmann::json& values, const nlohmann::json& shape) {
  return at::tensor(values.get<std::vector<float>>()).view(shape.get<std::vector<int64_t>>());
}

// tools/make_adamw_golden.py: torch.optim.AdamW, clip_grad_norm_ and LambdaLR over gradients that grow, so
// that the first steps are not clipped and the last ones are. Both compute in float32, in another order: the
// weights are around 1, and each of ten steps rounds them once, so 1e-6 is some eight times what may be seen.
TEST(ShardedAdamW, EqualsTorchOverTenStepsWithClippingAndSchedule) {
  std::ifstream file(LONGSCROLL_GOLDEN_DIR "/train/adamw.json");
  ASSERT_TRUE(file);
  const auto golden = nlohmann::json::parse(file);
  std::vector<NamedTensor> parameters;
  for (const auto& parameter : golden["parameters"]) {
    parameters.emplace_back(parameter["name"].get<std::string>(),
                            tensor_of(parameter["start"], parameter["shape"]).requires_grad_(true));
  }
  Communicator alone;
  FlatParameters flat(parameters, 1);
  ShardedAdamW optimizer(
      flat, alone,
      {golden["beta1"], golden["beta2"], golden["epsilon"], golden["weight_decay"], golden["clip"]});
  const Schedule schedule{golden["learning_rate"], golden["final_learning_rate"], golden["warmup_steps"],
                          golden["total_steps"]};
  size_t clipped = 0;
  for (size_t step = 0; step < golden["gradients"].size(); ++step) {
    flat.zero_gradients();
    for (size_t i = 0; i < parameters.size(); ++i) {
      parameters[i].second.mutable_grad().add_(
          tensor_of(golden["gradients"][step][i], golden["parameters"][i]["shape"]));
    }
    const double norm = optimizer.reduce_gradients();
    EXPECT_NEAR(norm / golden["norms"][step].get<double>(), 1.0, 1e-6);
    clipped += norm > golden["clip"].get<double>() ? 1 : 0;
    const double rate = schedule.learning_rate(step);
    EXPECT_NEAR(rate, golden["learning_rates"][step].get<double>(), 1e-12);
    optimizer.step(rate, norm);
  }
  EXPECT_GT(clipped, 2u);
  EXPECT_LT(clipped, golden["gradients"].size() - 2);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor wanted = tensor_of(golden["parameters"][i]["end"], golden["parameters"][i]["shape"]);
    EXPECT_LT((parameters[i].second.detach() - wanted).abs().max().item<float>(), 1e-6f) << i;
  }
}

TEST(FlatParameters, MoveValuesAndTakeGradientsInPlace) {
  const at::Tensor a = at::arange(6, at::kFloat).view({2, 3}).requires_grad_(true);
  const at::Tensor b = at::ones({5}).requires_grad_(true);
  FlatParameters flat({{"a", a}, {"b", b}}, 2);
  EXPECT_EQ(flat.weights().numel(), static_cast<int64_t>(2 * flat.shard()));
  EXPECT_EQ(a[1][2].item<float>(), 5.0f);
  for (int pass = 0; pass < 2; ++pass) ((a * a).sum() + (3 * b).sum()).backward();
  const float* gradients = flat.gradients().data_ptr<float>();
  EXPECT_EQ(gradients[5], 2 * 2 * 5.0f);
  EXPECT_EQ(gradients[flat.layout().offset(1)], 6.0f);
  flat.zero_gradients();
  EXPECT_EQ(a.grad().abs().sum().item<float>(), 0.0f);
  flat.weights().fill_(4.0f);
  EXPECT_EQ(b[0].item<float>(), 4.0f);
}

}  // namespace
}  // namespace longscroll::train
