#include "engine/generate.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace longscroll {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool contains(const std::vector<TokenId>& ids, TokenId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// The answer into `result`, after a prompt that the session has read. Nothing is allocated for an id.
StopReason decode(Continuation& text, Sampler& sampler, const GenerateOptions& options,
                  const std::function<void(TokenId)>& on_token, const std::atomic<bool>* cancel,
                  std::vector<TokenId>& ids) {
  while (ids.size() < options.max_new_tokens) {
    if (cancel != nullptr && cancel->load()) return StopReason::kCancelled;
    const TokenId id = sampler.next(text.logits());
    if (contains(options.stop_ids, id)) return StopReason::kStopToken;
    ids.push_back(id);
    if (on_token) on_token(id);
    if (ids.size() == options.max_new_tokens) break;
    if (text.full()) return StopReason::kWindowFull;
    text.append(id, options.max_new_tokens - ids.size());
  }
  return StopReason::kMaxNewTokens;
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
  const size_t room = std::min(options.max_new_tokens, session.max_length() - prompt.size() + 1);
  result.ids.reserve(room);
  Sampler sampler(options.sampling, prompt, session.logits().size());
  std::optional<PromptDrafter> prompt_drafter;
  Drafter* drafter = options.speculation ? options.drafter : nullptr;
  if (options.speculation && drafter == nullptr)
    drafter = &prompt_drafter.emplace(prompt, room, session.speculation_gate());
  Continuation text(session, drafter);
  result.stop_reason = decode(text, sampler, options, on_token, cancel, result.ids);
  result.speculation = text.counts();
  result.decode_seconds = seconds_since(start);
  return result;
}

}  // namespace longscroll
