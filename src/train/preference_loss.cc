#include "train/preference_loss.h"

#include <ATen/ATen.h>

namespace longscroll::train {

PreferenceLoss preference_loss(const at::Tensor& policy, const at::Tensor& reference, double beta,
                               double label_smoothing) {
  const at::Tensor gains = (policy - reference).view({-1, 2});
  const at::Tensor margins = beta * (gains.select(1, 0) - gains.select(1, 1));
  const at::Tensor losses =
      -(1 - label_smoothing) * at::log_sigmoid(margins) - label_smoothing * at::log_sigmoid(-margins);
  return {losses.sum(), margins.detach()};
}

}  // namespace longscroll::train
