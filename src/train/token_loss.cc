// P tokens that have a target, C of them in a chunk, D hidden width, V vocabulary.
#include "train/token_loss.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "train/row_blocks.h"

namespace longscroll::train {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kNormEpsilon = 1e-12;  // torch's normalize

Tensor row_norms(const Tensor& rows) {
  return rows.square().sum(1, /*keepdim=*/true).sqrt_();
}

// The head as products take it.
Tensor head_rows(const Tensor& weight_VD, const HeadOptions& options) {
  if (!options.normalise_rows) return weight_VD.to(options.compute);
  const Tensor rows_VD = at::empty(weight_VD.sizes(), weight_VD.options().dtype(options.compute));
  for_row_blocks(weight_VD, weight_VD.size(0), weight_VD.size(1), [&](int64_t first, int64_t count) {
    const Tensor block = weight_VD.narrow(0, first, count).to(at::kFloat);
    rows_VD.narrow(0, first, count).copy_(block / row_norms(block).clamp_min_(kNormEpsilon));
  });
  return rows_VD;
}

// From the gradient of the normalised rows to that of the rows, in place: a row's own direction is taken out,
// since a longer row gives the same logits.
void through_normalisation(const Tensor& weight_VD, const Tensor& grad_VD) {
  for_row_blocks(weight_VD, weight_VD.size(0), weight_VD.size(1), [&](int64_t first, int64_t count) {
    const Tensor block = weight_VD.narrow(0, first, count).to(at::kFloat);
    const Tensor norms = row_norms(block);
    const Tensor divisor = norms.clamp_min(kNormEpsilon);
    const Tensor unit = block / divisor;
    const Tensor grad = grad_VD.narrow(0, first, count);
    // A row below the smallest norm is divided by a constant, which takes nothing out.
    const Tensor along = (grad * unit).sum(1, /*keepdim=*/true).mul_(norms >= kNormEpsilon);
    grad.copy_((grad - unit * along).div_(divisor));
  });
}

// Log-probabilities [C] of the targets. With `gradient`, the logits are replaced by the gradient of
// -Σ factor · log p to them; undefined factors are 1.
// A few rows at a time are widened, so that the float32 values stay in the cache.
Tensor softmax_in_place(const Tensor& logits_CV, const Tensor& targets_C, bool gradient,
                        const Tensor& factors_C) {
  const Tensor log_probs_C = at::empty(targets_C.sizes(), logits_CV.options().dtype(at::kFloat));
  for_row_blocks(logits_CV, logits_CV.size(0), logits_CV.size(1), [&](int64_t first, int64_t count) {
    const Tensor stored = logits_CV.narrow(0, first, count);
    const Tensor targets = targets_C.narrow(0, first, count).unsqueeze(1);
    Tensor values = stored.to(at::kFloat);  // in float32: the logits themselves
    values.sub_(values.amax(1, /*keepdim=*/true));
    const Tensor picked = values.gather(1, targets);
    const Tensor sums = values.exp_().sum(1, /*keepdim=*/true);
    log_probs_C.narrow(0, first, count).copy_((picked - sums.log()).squeeze(1));
    if (!gradient) return;
    values.div_(sums);
    values.scatter_add_(1, targets, at::full(targets.sizes(), -1.0, values.options()));
    if (factors_C.defined()) values.mul_(factors_C.narrow(0, first, count).unsqueeze(1));
    if (!values.is_same(stored)) stored.copy_(values);
  });
  return log_probs_C;
}

// Sums up what chunks give to the gradients of the hidden vectors and of the head.
class HeadGradients {
 public:
  HeadGradients(const Tensor& hidden, const Tensor& weight, const Tensor& rows, bool head_learns)
      : rows_(rows), hidden_(at::empty_like(hidden)) {
    if (head_learns) head_ = at::zeros(weight.sizes(), weight.options().dtype(at::kFloat));
  }

  void add(int64_t first, const Tensor& hidden_CD, const Tensor& grad_CV) {
    hidden_.narrow(0, first, hidden_CD.size(0)).copy_(at::mm(grad_CV, rows_));
    if (!head_.defined()) return;
    if (grad_CV.scalar_type() == at::kFloat) {
      head_.addmm_(grad_CV.t(), hidden_CD);
    } else {
      head_.add_(at::mm(grad_CV.t(), hidden_CD));  // chunks are added up in float32
    }
  }

  // {of hidden, of weight or undefined}
  variable_list finish(const Tensor& weight, const HeadOptions& options) {
    if (head_.defined() && options.normalise_rows) through_normalisation(weight, head_);
    if (head_.defined()) head_ = head_.to(weight.scalar_type());
    return {hidden_, head_};
  }

 private:
  Tensor rows_;
  Tensor hidden_;
  Tensor head_;
};

// x times a float32 scalar that is not rounded to x's type first.
Tensor scaled(const Tensor& x_PD, const Tensor& factor) {
  const Tensor out_PD = at::empty_like(x_PD);
  for_row_blocks(x_PD, x_PD.size(0), x_PD.size(1), [&](int64_t first, int64_t count) {
    out_PD.narrow(0, first, count).copy_(x_PD.narrow(0, first, count).to(at::kFloat).mul(factor));
  });
  return out_PD;
}

// body(first, hidden of the chunk, targets of the chunk)
template <class Body>
void for_chunks(const Tensor& hidden, const Tensor& targets, int64_t chunk, Body body) {
  for (int64_t first = 0; first < hidden.size(0); first += chunk) {
    const int64_t count = std::min(chunk, hidden.size(0) - first);
    body(first, hidden.narrow(0, first, count), targets.narrow(0, first, count));
  }
}

class CrossEntropySum : public torch::autograd::Function<CrossEntropySum> {
 public:
  // `gradients`: which are wanted at all, known before autograd is switched off in here.
  static Tensor forward(AutogradContext* ctx, const Tensor& hidden, const Tensor& weight,
                        const Tensor& targets, const HeadOptions& options, bool gradients, bool head_learns) {
    const Tensor rows = head_rows(weight, options);
    const Tensor losses_P = at::empty({hidden.size(0)}, hidden.options().dtype(at::kFloat));
    HeadGradients sums(gradients ? hidden : Tensor(hidden.narrow(0, 0, 0)), weight, rows,
                       gradients && head_learns);
    for_chunks(hidden, targets, options.chunk, [&](int64_t first, const Tensor& part, const Tensor& wanted) {
      const Tensor logits = at::mm(part, rows.t());
      losses_P.narrow(0, first, part.size(0)).copy_(softmax_in_place(logits, wanted, gradients, {}).neg_());
      if (gradients) sums.add(first, part, logits);
    });
    if (gradients) ctx->save_for_backward(sums.finish(weight, options));
    return losses_P.sum();
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor hidden = scaled(saved[0], grads[0]);
    // In place, for it is as large as the head; which is why there is one backward a call.
    Tensor head = saved[1];
    if (head.defined()) head.mul_(grads[0]);
    return {hidden, head, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

class TargetLogProbs : public torch::autograd::Function<TargetLogProbs> {
 public:
  static Tensor forward(AutogradContext* ctx, const Tensor& hidden, const Tensor& weight,
                        const Tensor& targets, const HeadOptions& options) {
    const Tensor rows = head_rows(weight, options);
    const Tensor log_probs_P = at::empty({hidden.size(0)}, hidden.options().dtype(at::kFloat));
    for_chunks(hidden, targets, options.chunk, [&](int64_t first, const Tensor& part, const Tensor& wanted) {
      const Tensor logits = at::mm(part, rows.t());
      log_probs_P.narrow(0, first, part.size(0)).copy_(softmax_in_place(logits, wanted, false, {}));
    });
    ctx->save_for_backward({hidden, weight, targets});
    ctx->saved_data["normalise_rows"] = options.normalise_rows;
    ctx->saved_data["compute"] = static_cast<int64_t>(options.compute);
    ctx->saved_data["chunk"] = options.chunk;
    return log_probs_P;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &hidden = saved[0], &weight = saved[1], &targets = saved[2];
    HeadOptions options;
    options.normalise_rows = ctx->saved_data["normalise_rows"].toBool();
    options.compute = static_cast<at::ScalarType>(ctx->saved_data["compute"].toInt());
    options.chunk = ctx->saved_data["chunk"].toInt();
    const Tensor rows = head_rows(weight, options);
    const Tensor factors_P = grads[0].neg();  // of the loss -log p
    HeadGradients sums(hidden, weight, rows, ctx->needs_input_grad(1));
    for_chunks(hidden, targets, options.chunk, [&](int64_t first, const Tensor& part, const Tensor& wanted) {
      const Tensor logits = at::mm(part, rows.t());
      softmax_in_place(logits, wanted, true, factors_P.narrow(0, first, part.size(0)));
      sums.add(first, part, logits);
    });
    const variable_list result = sums.finish(weight, options);
    return {result[0], result[1], Tensor(), Tensor()};
  }
};

}  // namespace

Tensor cross_entropy_sum(const Tensor& hidden, const Tensor& weight, const Tensor& targets,
                         const HeadOptions& options) {
  const bool gradients = at::GradMode::is_enabled() && (hidden.requires_grad() || weight.requires_grad());
  return CrossEntropySum::apply(hidden, weight, targets, options, gradients, weight.requires_grad());
}

Tensor target_log_probs(const Tensor& hidden, const Tensor& weight, const Tensor& targets,
                        const HeadOptions& options) {
  return TargetLogProbs::apply(hidden, weight, targets, options);
}

Tensor head_logits(const Tensor& hidden, const Tensor& weight, const HeadOptions& options) {
  const at::NoGradGuard no_grad;
  return at::mm(hidden, head_rows(weight, options).t()).to(at::kFloat);
}

}  // namespace longscroll::train
