// Direct preference optimisation's loss (arXiv 2305.18290), the sigmoid with smoothed labels
// (arXiv 2307.12950, "conservative DPO").
#pragma once

#include <ATen/core/Tensor.h>

namespace longscroll::train {

struct PreferenceLoss {
  at::Tensor sum;      // of the pairs' losses, scalar, differentiable
  at::Tensor margins;  // [pairs] beta times how much more than the reference the chosen answer is preferred
};

// `policy` and `reference` [2 * pairs]: log-probabilities of the answers, chosen and rejected in turn.
//   margin = beta ((policy - reference of the chosen) - (the same of the rejected))
//   loss   = -(1 - s) log sigmoid(margin) - s log sigmoid(-margin)     s: share of labels taken to be wrong
PreferenceLoss preference_loss(const at::Tensor& policy, const at::Tensor& reference, double beta,
                               double label_smoothing);

}  // namespace longscroll::train
