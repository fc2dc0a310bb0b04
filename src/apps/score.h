// Perplexity's arithmetic: which window predicts which token, and how well a row of logits does.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/token_id.h"

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

// -log softmax(logits)[target], in double.
double negative_log_likelihood(std::span<const float> logits, TokenId target);

}  // namespace longscroll
