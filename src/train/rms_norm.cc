// R rows, D width of a row.
#include "train/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_fused_rms_norm.h>
#include <ATen/ops/_fused_rms_norm_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "train/row_blocks.h"

namespace longscroll::train {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class RmsNorm : public torch::autograd::Function<RmsNorm> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, double epsilon) {
    const int64_t width = x.size(-1);
    const Tensor x_RD = x.contiguous().view({-1, width});
    const int64_t rows = x_RD.size(0);
    if (x.is_cuda()) {
      const auto [out_RD, scale_R1] = at::_fused_rms_norm(x_RD, {width}, weight.to(x.scalar_type()), epsilon);
      ctx->save_for_backward({x_RD, weight, scale_R1});
      return out_RD.view(x.sizes());
    }
    const Tensor weight_D = weight.to(at::kFloat);
    const Tensor scale_R1 = at::empty({rows, 1}, x.options().dtype(at::kFloat));
    const Tensor out_RD = at::empty_like(x_RD);
    for_row_blocks(x, rows, width, [&](int64_t first, int64_t count) {
      const Tensor block = x_RD.narrow(0, first, count).to(at::kFloat);
      Tensor scale = scale_R1.narrow(0, first, count);
      scale.copy_(block.square().mean(-1, /*keepdim=*/true).add_(epsilon).rsqrt_());
      Tensor out = out_RD.narrow(0, first, count);
      out.copy_((block * scale).mul_(weight_D));
    });
    ctx->save_for_backward({x_RD, weight, scale_R1});
    return out_RD.view(x.sizes());
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &x_RD = saved[0], &weight = saved[1], &scale_R1 = saved[2];
    const int64_t rows = x_RD.size(0), width = x_RD.size(1);
    const Tensor grad_RD = grads[0].contiguous().view({rows, width});
    const bool weight_learns = ctx->needs_input_grad(1);
    if (x_RD.is_cuda()) {
      auto [grad_x, grad_weight] = at::_fused_rms_norm_backward(
          grad_RD, x_RD, {width}, scale_R1, weight.to(x_RD.scalar_type()), {true, weight_learns});
      if (weight_learns) grad_weight = grad_weight.to(weight.scalar_type());
      return {grad_x.view(grads[0].sizes()), grad_weight, Tensor()};
    }
    const Tensor weight_D = weight.to(at::kFloat);
    Tensor grad_weight_D;
    if (weight_learns) grad_weight_D = at::zeros({width}, weight_D.options());
    const Tensor grad_x_RD = at::empty_like(x_RD);
    for_row_blocks(x_RD, rows, width, [&](int64_t first, int64_t count) {
      const Tensor scale = scale_R1.narrow(0, first, count);
      const Tensor unit = x_RD.narrow(0, first, count).to(at::kFloat).mul(scale);
      const Tensor grad = grad_RD.narrow(0, first, count).to(at::kFloat);
      if (weight_learns) grad_weight_D.add_((grad * unit).sum(0));
      const Tensor inner = grad * weight_D;
      // What a change along x itself does is cancelled by the division.
      const Tensor along = (inner * unit).mean(-1, /*keepdim=*/true);
      Tensor out = grad_x_RD.narrow(0, first, count);
      out.copy_((inner - unit * along).mul_(scale));
    });
    if (weight_learns) grad_weight_D = grad_weight_D.to(weight.scalar_type());
    return {grad_x_RD.view(grads[0].sizes()), grad_weight_D, Tensor()};
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon) {
  return RmsNorm::apply(x, weight, epsilon);
}

}  // namespace longscroll::train
