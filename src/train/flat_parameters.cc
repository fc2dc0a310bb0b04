#include "train/flat_parameters.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "base/error.h"

namespace longscroll::train {
namespace {

std::vector<ParameterShape> shapes_of(const std::vector<NamedTensor>& parameters) {
  if (parameters.empty())
    throw Error(ErrorKind::kArgument, "parameters", "must be some that learn, are none");
  std::vector<ParameterShape> shapes;
  for (const auto& [name, tensor] : parameters) {
    if (tensor.scalar_type() != at::kFloat || tensor.device() != parameters.front().second.device()) {
      throw Error(ErrorKind::kArgument, fmt::format("parameter {}", name),
                  "must be float32 and on the device of the others, is not");
    }
    shapes.push_back({name, tensor.sizes().vec()});
  }
  return shapes;
}

}  // namespace

FlatParameters::FlatParameters(std::vector<NamedTensor> parameters, int processes)
    : layout_(shapes_of(parameters)), shard_(layout_.shard_size(static_cast<uint64_t>(processes))) {
  const at::NoGradGuard no_grad;
  const auto floats = static_cast<int64_t>(shard_ * static_cast<uint64_t>(processes));
  // Not zeroed at once: the system gives pages as parameters move in, while their old ones go.
  weights_ = at::empty({floats}, parameters.front().second.options().requires_grad(false));
  int64_t filled = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    at::Tensor& parameter = parameters[i].second;
    const auto begin = static_cast<int64_t>(layout_.offset(i));
    const auto count = static_cast<int64_t>(layout_.count(i));
    weights_.narrow(0, filled, begin - filled).zero_();
    at::Tensor place = weights_.narrow(0, begin, count).view(parameter.sizes());
    place.copy_(parameter);
    parameter.set_data(place);
    filled = begin + count;
  }
  weights_.narrow(0, filled, floats - filled).zero_();
  gradients_ = at::zeros_like(weights_);
  for (size_t i = 0; i < parameters.size(); ++i) {
    at::Tensor& parameter = parameters[i].second;
    parameter.mutable_grad() =
        gradients_.narrow(0, static_cast<int64_t>(layout_.offset(i)), static_cast<int64_t>(layout_.count(i)))
            .view(parameter.sizes());
  }
}

}  // namespace longscroll::train
