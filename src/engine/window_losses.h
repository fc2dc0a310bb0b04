// Perplexity's arithmetic: which window predicts which token, and how well a row of logits does.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "engine/session.h"

namespace longscroll {

// Reads ids [begin, begin + length); its logits at position p predict id p + 1. Only targets
// [first_target, begin + length] count.
struct ScoreWindow {
  size_t begin = 0;
  size_t length = 0;
  size_t first_target = 0;
};

// Windows of `ctx` ids, `stride` apart (1 <= stride <= ctx), that predict each id but the first exactly
// once, each with as much context as its window has:
//   ids      0 1 2 3 4 5 6 7     ctx 4, stride 2
//   reads    0-1-2-3             predicts 1 2 3 4
//   reads        2-3-4-5         predicts 5 6
//   reads          3-4-5-6       predicts 7 (the last window is moved back, to keep its context whole)
std::vector<ScoreWindow> score_windows(size_t count, size_t ctx, size_t stride);

size_t tokens_of(const std::vector<ScoreWindow>& windows);  // that predict_windows() computes

struct PredictedToken {
  size_t context = 0;   // tokens before it in its window
  bool counts = false;  // it is one of the window's own
  double nats = 0;      // its negative log-likelihood
};

// Reads the windows, which the session must hold, and hands over each prediction: of all positions, or only
// of those that count. `on_progress` is told the tokens computed so far. Throws as Session::forward_all does,
// Error(kCancelled) once *cancel is set.
void predict_windows(Session& session, std::span<const TokenId> ids, const std::vector<ScoreWindow>& windows,
                     bool all_positions, const std::function<void(const PredictedToken&)>& on_token,
                     const std::function<void(size_t)>& on_progress = {},
                     const std::atomic<bool>* cancel = nullptr);

// The bucket in which a token with `context` tokens before it is counted, named by its last: 64, 96, 128,
// 192, 256, ….
size_t position_bucket(size_t context);

// -log softmax(logits)[target], in double.
double negative_log_likelihood(std::span<const float> logits, TokenId target);

}  // namespace longscroll
