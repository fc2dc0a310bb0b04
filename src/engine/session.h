// One reader's state over a shared model: KV cache, scratch and threads. Ids in, logits out; no text.
// Not thread safe: one session, one thread at a time. Sessions over one Model are independent.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/kv_cache.h"
#include "engine/speculation_gate.h"
#include "model/model.h"

namespace longscroll {

struct SessionOptions {
  int threads = 1;
  size_t max_length = 0;  // positions that the KV cache can hold; 0: the model's window
  KvType kv_type = KvType::kF16;
  size_t prefill_block = 512;  // tokens a forward pass: bounds activations, weights are read once a block
  // prefill() reuses only what it once computed as whole blocks, so that its logits are to the last bit those
  // of an empty cache; else it reuses all that is equal, and rounding differs a little.
  bool reuse_whole_blocks = false;
};

struct PrefillProgress {
  size_t done = 0;  // tokens of this call computed so far
  size_t total = 0;
};

// Peak bytes of the process while a session of `length` tokens runs.
struct MemoryForecast {
  uint64_t program = 0;
  uint64_t weights = 0;
  uint64_t kv_cache = 0;
  uint64_t scratch = 0;
  uint64_t total() const { return program + weights + kv_cache + scratch; }
};
MemoryForecast forecast_memory(const Model& model, const SessionOptions& asked);

class Session {
 public:
  using ProgressFn = std::function<void(const PrefillProgress&)>;

  Session(std::shared_ptr<const Model> model, SessionOptions options);  // throws Error(kArgument, kResource)
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Makes the cache hold exactly `ids`, computing only what follows the longest prefix that it already
  // holds (always at least the last token, whose logits are wanted). Returns the number of tokens
  // reused. On cancel or error the cache keeps the blocks that were finished, and stays usable:
  // cancelling throws Error(kCancelled).
  size_t prefill(std::span<const TokenId> ids, const ProgressFn& progress = {},
                 const std::atomic<bool>* cancel = nullptr);

  // Appends one token and computes the logits that follow it.
  void step(TokenId id) { step(std::span(&id, 1)); }

  // Appends at most step_room() tokens in one pass and computes the logits that follow each of them: the same
  // to the last bit as if they had come one by one, so that guesses can be checked together, and those that
  // were wrong truncated away. With Dynamic NTK all cached keys are first turned by the length that the text
  // then has, unless the model's rope keeps them as they were computed.
  void step(std::span<const TokenId> ids);
  // Tokens that a step may take now: kFewTokens, or less where the session is nearly full or (dynamic NTK)
  // each further token would be turned by another length. 0: the session is full.
  size_t step_room() const;

  // Logits after the last token, or after each of those of the last step, [vocab_size]; valid until the next
  // call but truncate().
  std::span<const float> logits() const;
  std::span<const float> logits_after(size_t position) const;

  // Like prefill of all of `ids` from an empty cache, but hands over the logits of every position from
  // first_wanted on, in order: rows_TV is [rows, vocab_size], of positions first, first + 1, … The first call
  // may begin before first_wanted.
  using LogitsFn = std::function<void(size_t first, size_t rows, const float* rows_TV)>;
  void forward_all(std::span<const TokenId> ids, const LogitsFn& sink, const ProgressFn& progress = {},
                   const std::atomic<bool>* cancel = nullptr, size_t first_wanted = 0);

  const std::vector<TokenId>& ids() const;
  void truncate(size_t length);  // forget what follows the first `length` tokens
  size_t max_length() const;
  const Model& model() const;
  // What guessing has cost and gained in this session so far.
  SpeculationGate& speculation_gate();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace longscroll
