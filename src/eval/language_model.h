// What an evaluation asks of a model: its ids of a text, an answer, and how likely it finds given answers.
// Not thread safe: one caller at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/token_id.h"
#include "suites/item.h"
#include "text/tokenizer.h"

namespace longscroll {

// What is put to a model. `ids` are what it reads; empty where only the server knows them.
struct EvalPrompt {
  std::vector<Turn> turns;
  bool bare = false;
  std::vector<TokenId> ids;
};

enum class Finish { kStop, kLength, kWindow };
const char* to_string(Finish finish);
Finish finish_from_name(std::string_view name);  // throws Error(kArgument)

struct ModelCosts {
  size_t prompt_tokens = 0;  // 0: the server did not say
  size_t reused_tokens = 0;  // of these, found in the KV cache
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

struct Generated {
  std::string text;  // ends before the first stop string
  Finish finish = Finish::kStop;
  size_t generated_tokens = 0;
  ModelCosts costs;
};

struct Likelihoods {
  std::vector<double> nats;    // one a continuation: the sum over its tokens
  std::vector<size_t> tokens;  // that were predicted
  ModelCosts costs;
};

// A prompt and continuations as ids: of texts that were encoded in one go, cut where they begin to differ.
struct EncodedChoices {
  std::vector<TokenId> context;
  std::vector<std::vector<TokenId>> continuations;
};

struct ModelEvents {
  std::function<void(size_t tokens)> on_read;  // of the present prompt, so far
  const std::atomic<bool>* cancel = nullptr;
};

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  virtual size_t window() const = 0;                    // tokens of prompt and answer; 0: not known
  virtual const Tokenizer* tokenizer() const = 0;       // null: not known
  virtual nlohmann::ordered_json describe() const = 0;  // the manifest's `model`

  // The ids that the turns have in the model's form; bare: of the text alone, with what the tokenizer adds.
  // Empty when the model does not show its ids.
  virtual std::vector<TokenId> prompt_ids(std::span<const Turn> turns, bool bare) const = 0;
  size_t count_tokens(std::string_view text) const;  // without special ones; throws Error(kUnsupported)

  // Greedy. Throws Error(kArgument) when the prompt does not leave room, Error(kCancelled), Error(kNetwork).
  virtual Generated generate(const EvalPrompt& prompt, size_t max_new_tokens,
                             std::span<const std::string> stop, const ModelEvents& events) = 0;

  // Both throw Error(kUnsupported) where the model gives no likelihoods.
  virtual EncodedChoices encode_choices(std::span<const Turn> turns, bool bare,
                                        std::span<const std::string> choices) const = 0;
  virtual Likelihoods log_likelihoods(const EncodedChoices& choices, const ModelEvents& events) = 0;

  // Nothing read so far is reused for what follows, so that costs do not depend on what was asked before.
  virtual void forget() {}
  // After a run was cut: the cache as if `before` had just been read, as far as `next` can reuse it.
  virtual void restore(std::span<const TokenId> /*before*/, std::span<const TokenId> /*next*/,
                       const ModelEvents& /*events*/) {}
};

}  // namespace longscroll
