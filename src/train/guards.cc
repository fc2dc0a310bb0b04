#include "train/guards.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace longscroll::train {
namespace {

constexpr size_t kFewest = 8;

double median(const std::deque<double>& values) {
  std::vector<double> sorted(values.begin(), values.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

}  // namespace

std::optional<std::string> StepGuard::fault(double loss, double gradient_norm) {
  if (!std::isfinite(loss)) return fmt::format("the loss must be a number, is {}", loss);
  if (!std::isfinite(gradient_norm)) {
    return fmt::format("the gradient's norm must be a number, is {}, with a loss of {:.4f}", gradient_norm,
                       loss);
  }
  if (factor_ > 0 && losses_.size() >= std::min<size_t>(kFewest, window_)) {
    const double usual = median(losses_);
    if (loss > factor_ * usual) {
      return fmt::format("the loss must stay below {} times the {:.4f} of the last {} steps, is {:.4f}",
                         factor_, usual, losses_.size(), loss);
    }
  }
  losses_.push_back(loss);
  if (losses_.size() > window_) losses_.pop_front();
  return std::nullopt;
}

}  // namespace longscroll::train
