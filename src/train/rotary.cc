// T tokens, N heads, H head dimension, F = rotary_dim / 2 frequencies.
#include "train/rotary.h"

#include <algorithm>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "train/row_blocks.h"

namespace longscroll::train {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// By the angle, or, `back`, by its negative: the transpose of a rotation.
Tensor turn(const Tensor& x, const Tensor& cos_TF, const Tensor& sin_TF, bool back) {
  const Tensor x_TNH = x.contiguous();
  const int64_t half = cos_TF.size(1), head_dim = x.size(2);
  const Tensor out_TNH = at::empty_like(x_TNH);
  for_row_blocks(x, x.size(0), x.size(1) * head_dim, [&](int64_t first, int64_t count) {
    const Tensor block = x_TNH.narrow(0, first, count);
    const Tensor out = out_TNH.narrow(0, first, count);
    const Tensor cos = cos_TF.narrow(0, first, count).unsqueeze(1);
    const Tensor sin = sin_TF.narrow(0, first, count).unsqueeze(1);
    const Tensor low = block.narrow(2, 0, half), high = block.narrow(2, half, half);
    Tensor out_low = out.narrow(2, 0, half), out_high = out.narrow(2, half, half);
    const double sign = back ? -1.0 : 1.0;
    // In float32, which cos and sin are, and rounded where it is stored.
    at::addcmul_out(out_low, low * cos, high, sin, -sign);
    at::addcmul_out(out_high, high * cos, low, sin, sign);
    const int64_t rest = head_dim - 2 * half;
    if (rest > 0) out.narrow(2, 2 * half, rest).copy_(block.narrow(2, 2 * half, rest));
  });
  return out_TNH;
}

class Rotation : public torch::autograd::Function<Rotation> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& cos, const Tensor& sin) {
    ctx->save_for_backward({cos, sin});
    return turn(x, cos, sin, /*back=*/false);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    return {turn(grads[0], saved[0], saved[1], /*back=*/true), Tensor(), Tensor()};
  }
};

}  // namespace

RotaryTable RotaryTables::compute(int64_t count, int64_t length) const {
  const RopeFrequencies frequencies = rope_frequencies(config_, static_cast<uint64_t>(length));
  const auto width = static_cast<int64_t>(frequencies.inv_freq.size());
  RotaryTable table{at::empty({count, width}, at::kFloat), at::empty({count, width}, at::kFloat)};
  rope_table(frequencies, 0, static_cast<size_t>(count), table.cos.data_ptr<float>(),
             table.sin.data_ptr<float>());
  return table;
}

RotaryTable RotaryTables::table_of(const DocumentBounds& documents) {
  const bool by_length = config_.scaling == RopeScaling::kDynamicNtk;
  const int64_t longest = documents.longest();
  if (!by_length && (!known_.cos.defined() || known_.cos.size(0) < longest))
    known_ = compute(longest, longest);
  std::vector<Tensor> cos, sin;
  for (int64_t d = 0; d < documents.count(); ++d) {
    const int64_t length = documents.length(d);
    const RotaryTable own = by_length ? compute(length, length) : known_;
    cos.push_back(own.cos.narrow(0, 0, length));
    sin.push_back(own.sin.narrow(0, 0, length));
  }
  return {at::cat(cos).to(device_), at::cat(sin).to(device_)};
}

Tensor rotate(const Tensor& x, const RotaryTable& table) {
  return Rotation::apply(x, table.cos, table.sin);
}

}  // namespace longscroll::train
