#include "engine/generate.h"

#include <algorithm>
#include <chrono>

namespace longscroll {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

const char* to_string(StopReason reason) {
  switch (reason) {
    case StopReason::kStopToken:
      return "stop_token";
    case StopReason::kMaxNewTokens:
      return "max_new_tokens";
    case StopReason::kWindowFull:
      return "window_full";
    case StopReason::kCancelled:
      return "cancelled";
  }
  return "";
}

GenerateResult generate(Session& session, std::span<const TokenId> prompt, const GenerateOptions& options,
                        const std::function<void(TokenId)>& on_token, const Session::ProgressFn& progress,
                        const std::atomic<bool>* cancel) {
  GenerateResult result;
  validate(options.sampling);
  auto start = Clock::now();
  result.prompt_tokens = prompt.size();
  result.reused_tokens = session.prefill(prompt, progress, cancel);
  result.prefill_seconds = seconds_since(start);

  start = Clock::now();
  Sampler sampler(options.sampling, prompt, session.logits().size());
  const auto stops = [&options](TokenId id) {
    return std::find(options.stop_ids.begin(), options.stop_ids.end(), id) != options.stop_ids.end();
  };
  result.stop_reason = StopReason::kMaxNewTokens;
  while (result.ids.size() < options.max_new_tokens) {
    if (cancel != nullptr && cancel->load()) {
      result.stop_reason = StopReason::kCancelled;
      break;
    }
    const TokenId id = sampler.next(session.logits());
    if (stops(id)) {
      result.stop_reason = StopReason::kStopToken;
      break;
    }
    result.ids.push_back(id);
    if (on_token) on_token(id);
    if (result.ids.size() == options.max_new_tokens) break;
    if (session.ids().size() == session.max_length()) {
      result.stop_reason = StopReason::kWindowFull;
      break;
    }
    session.step(id);
  }
  result.decode_seconds = seconds_since(start);
  return result;
}

}  // namespace longscroll
