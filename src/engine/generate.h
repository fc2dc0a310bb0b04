// Prompt in, answer out, token by token.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <vector>

#include "engine/sampling.h"
#include "engine/session.h"
#include "engine/speculation.h"

namespace longscroll {

struct GenerateOptions {
  size_t max_new_tokens = 500;
  SamplingOptions sampling;
  std::vector<TokenId> stop_ids;
  // Guess what follows and check guesses together: the answer is the same id for id, only sooner.
  bool speculation = true;
  Drafter* drafter = nullptr;  // who guesses; null: a PromptDrafter
};

enum class StopReason { kStopToken, kMaxNewTokens, kWindowFull, kCancelled };
const char* to_string(StopReason reason);

struct GenerateResult {
  std::vector<TokenId> ids;  // without the stop token
  StopReason stop_reason = StopReason::kStopToken;
  size_t prompt_tokens = 0;
  size_t reused_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
  SpeculationCounts speculation;
};

// `on_token` sees each id of the answer as it is made. Setting *cancel while answering ends with
// kCancelled and what there is; while reading it throws Error(kCancelled).
GenerateResult generate(Session& session, std::span<const TokenId> prompt, const GenerateOptions& options,
                        const std::function<void(TokenId)>& on_token = {},
                        const Session::ProgressFn& progress = {}, const std::atomic<bool>* cancel = nullptr);

}  // namespace longscroll
