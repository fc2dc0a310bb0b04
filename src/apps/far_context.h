// How much far context is worth to a model, in a text: what `data score` asks.
#pragma once

#include "apps/common.h"
#include "corpus/score.h"

namespace longscroll {

// Opens the model at the first text. Reads a text's first `max_tokens` (at most the model's window) once,
// with all that is before each token, and once more in windows in which each token has between near_tokens
// and 1.5 times as many before it. Tokens from position 2 · near_tokens on count, so that far is at least as
// much as near; a text without such is too short. Not thread safe. Throws as open_model and Session do.
corpus::ScoreText far_context_scorer(const corpus::ScoreSettings& settings);

}  // namespace longscroll
