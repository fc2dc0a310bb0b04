#include "engine/window_losses.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace longscroll {

std::vector<ScoreWindow> score_windows(size_t count, size_t ctx, size_t stride) {
  assert(stride >= 1 && stride <= ctx);
  std::vector<ScoreWindow> windows;
  size_t next_target = 1;
  while (next_target < count) {
    const size_t last_target = std::min(next_target == 1 ? ctx : next_target + stride - 1, count - 1);
    const size_t begin = last_target >= ctx ? last_target - ctx : 0;
    windows.push_back({begin, last_target - begin, next_target});
    next_target = last_target + 1;
  }
  return windows;
}

size_t tokens_of(const std::vector<ScoreWindow>& windows) {
  size_t total = 0;
  for (const ScoreWindow& window : windows) total += window.length;
  return total;
}

void predict_windows(Session& session, std::span<const TokenId> ids, const std::vector<ScoreWindow>& windows,
                     bool all_positions, const std::function<void(const PredictedToken&)>& on_token,
                     const std::function<void(size_t)>& on_progress, const std::atomic<bool>* cancel) {
  const size_t vocab_size = session.model().config.vocab_size;
  size_t before = 0;
  for (const ScoreWindow& window : windows) {
    const auto sink = [&](size_t first, size_t rows, const float* rows_TV) {
      for (size_t row = 0; row < rows; ++row) {
        const size_t context = first + row + 1, target = window.begin + context;
        const bool counts = target >= window.first_target;
        if (!counts && !all_positions) continue;
        on_token({context, counts,
                  negative_log_likelihood({rows_TV + row * vocab_size, vocab_size}, ids[target])});
      }
    };
    const auto progress = [&](const PrefillProgress& p) {
      if (on_progress) on_progress(before + p.done);
    };
    const size_t first_wanted = all_positions ? 0 : window.first_target - window.begin - 1;
    session.forward_all(ids.subspan(window.begin, window.length), sink, progress, cancel, first_wanted);
    before += window.length;
  }
}

size_t position_bucket(size_t context) {
  size_t bucket = 64;
  while (bucket < context) {
    if (bucket + bucket / 2 >= context) return bucket + bucket / 2;
    bucket *= 2;
  }
  return bucket;
}

double negative_log_likelihood(std::span<const float> logits, TokenId target) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return std::log(sum) + largest - static_cast<double>(logits[static_cast<size_t>(target)]);
}

}  // namespace longscroll
