#include "eval/engine_model.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/sampling.h"
#include "engine/speculation.h"
#include "engine/window_losses.h"
#include "hub/sha256.h"
#include "model/rope_description.h"
#include "model/weight_type.h"

namespace longscroll {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

// Choices of a few tokens are stepped through after a shared prompt; longer ones are read in blocks.
constexpr size_t kMostSteps = 64;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

SessionOptions reusing_whole_blocks(SessionOptions options) {
  options.reuse_whole_blocks = true;
  return options;
}

std::vector<ChatMessage> messages_of(std::span<const Turn> turns) {
  std::vector<ChatMessage> messages;
  for (const Turn& turn : turns) messages.push_back({turn.role, turn.content});
  return messages;
}

std::string joined(std::span<const Turn> turns) {
  std::string text;
  for (const Turn& turn : turns) text += (text.empty() ? "" : "\n") + turn.content;
  return text;
}

size_t shared_prefix(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// An answer as it grows, cut before the first stop string.
class AnswerText {
 public:
  AnswerText(const Tokenizer& tokenizer, std::span<const std::string> stops)
      : decoder_(tokenizer), stops_(stops) {}

  bool push(TokenId id) { return add(decoder_.push(id)); }  // true: a stop string was met
  bool stopped() const { return stopped_; }
  std::string take() {
    if (!stopped_) add(decoder_.flush());
    return std::move(text_);
  }

 private:
  bool add(const std::string& piece) {
    const size_t before = text_.size();
    text_ += piece;
    size_t end = std::string::npos;
    for (const std::string& stop : stops_) {
      const size_t from =
          before > stop.size() ? before - stop.size() : 0;  // it may have begun in an earlier piece
      if (!stop.empty()) end = std::min(end, text_.find(stop, from));
    }
    stopped_ = end != std::string::npos;
    if (stopped_) text_.resize(end);
    return stopped_;
  }

  StreamDecoder decoder_;
  std::span<const std::string> stops_;
  std::string text_;
  bool stopped_ = false;
};

}  // namespace

Json describe_engine_model(const Model& model, const std::string& name, const std::string& sha256,
                           const std::string& compute, const EngineModelOptions& options) {
  return {{"name", name},
          {"sha256", sha256},
          {"architecture", model.config.architecture},
          {"parameters", model.parameter_count},
          {"quantisation", most_common_type(model)},
          {"kv", kv_type_name(options.session.kv_type)},
          {"compute", compute},
          {"rope", describe_rope(model.config.rope)},
          {"window", model.config.max_position},
          {"template", options.chat ? to_string(*options.chat) : "none"}};
}

std::string hash_model(const std::filesystem::path& path, const std::atomic<bool>* cancel) {
  const HashProgress progress = [cancel](uint64_t) { return cancel == nullptr || !cancel->load(); };
  if (!std::filesystem::is_directory(path)) return hash_file(path, Hasher::sha256(), progress);
  std::map<std::string, std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.is_regular_file()) files[entry.path().filename().string()] = entry.path();
  }
  Hasher all = Hasher::sha256();
  for (const auto& [name, file] : files) {
    const std::string line = hash_file(file, Hasher::sha256(), progress) + "  " + name + "\n";
    all.update(std::as_bytes(std::span(line)));
  }
  return all.hex();
}

EngineModel::EngineModel(std::shared_ptr<const Model> model, EngineModelOptions options)
    : model_(std::move(model)),
      options_(std::move(options)),
      session_(model_, reusing_whole_blocks(options_.session)) {
  if (model_->tokenizer == nullptr) {
    throw Error(ErrorKind::kUnsupported, model_->path.string(),
                "must have a tokenizer to be evaluated, found none");
  }
}

std::vector<TokenId> EngineModel::prompt_ids(std::span<const Turn> turns, bool bare) const {
  if (bare || !options_.chat) return model_->tokenizer->encode(joined(turns));
  const std::vector<ChatMessage> messages = messages_of(turns);
  return chat_prompt(*model_->tokenizer, *options_.chat, messages, options_.default_system);
}

void EngineModel::read(std::span<const TokenId> ids, ModelCosts& costs, const ModelEvents& events) {
  const auto progress = [&](const PrefillProgress& p) {
    if (events.on_read) events.on_read(ids.size() - p.total + p.done);
  };
  const auto start = Clock::now();
  costs.prompt_tokens = ids.size();
  costs.reused_tokens = session_.prefill(ids, progress, events.cancel);
  costs.prefill_seconds += seconds_since(start);
}

Generated EngineModel::generate(const EvalPrompt& prompt, size_t max_new_tokens,
                                std::span<const std::string> stop, const ModelEvents& events) {
  Generated result;
  read(prompt.ids, result.costs, events);
  const auto start = Clock::now();
  SamplingOptions greedy;
  greedy.temperature = 0;
  Sampler sampler(greedy, prompt.ids, session_.logits().size());
  PromptDrafter drafter(prompt.ids, max_new_tokens, session_.speculation_gate());  // guesses change no id
  Continuation answer(session_, &drafter);
  AnswerText text(*model_->tokenizer, stop);
  result.finish = Finish::kLength;
  while (result.generated_tokens < max_new_tokens) {
    if (events.cancel != nullptr && events.cancel->load()) {
      throw Error(ErrorKind::kCancelled, "Ctrl-C", "stopped while answering");
    }
    const TokenId id = sampler.next(answer.logits());
    if (std::ranges::find(options_.stop_ids, id) != options_.stop_ids.end()) {
      result.finish = Finish::kStop;
      break;
    }
    ++result.generated_tokens;
    if (text.push(id) || result.generated_tokens == max_new_tokens) break;
    if (answer.full()) {
      result.finish = Finish::kWindow;
      break;
    }
    answer.append(id, max_new_tokens - result.generated_tokens);
  }
  result.text = text.take();
  if (text.stopped()) result.finish = Finish::kStop;
  result.costs.decode_seconds = seconds_since(start);
  return result;
}

EncodedChoices EngineModel::encode_choices(std::span<const Turn> turns, bool bare,
                                           std::span<const std::string> choices) const {
  EncodedChoices encoded;
  encoded.context = prompt_ids(turns, bare);
  const Tokenizer& tokenizer = *model_->tokenizer;
  if (!bare && options_.chat) {  // the template's last mark stands between: nothing can merge across it
    for (const std::string& choice : choices) {
      encoded.continuations.push_back(tokenizer.encode(choice, {.add_special = false}));
    }
    return encoded;
  }
  // A base model's text is encoded whole, since a choice may merge with what is before it.
  const std::string text = joined(turns);
  size_t shared = encoded.context.size();
  for (const std::string& choice : choices) {
    encoded.continuations.push_back(tokenizer.encode(text + choice));
    shared = std::min(shared, shared_prefix(encoded.context, encoded.continuations.back()));
  }
  encoded.context.resize(shared);
  for (std::vector<TokenId>& ids : encoded.continuations) {
    ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(shared));
  }
  return encoded;
}

// The session stands after the prompt, whose logits are given, and is left there.
double EngineModel::score_in_steps(std::span<const float> prompt_logits,
                                   std::span<const TokenId> continuation) {
  const size_t context = session_.ids().size();
  double sum = -negative_log_likelihood(prompt_logits, continuation[0]);
  for (size_t done = 0; done + 1 < continuation.size();) {
    const size_t count = std::min(continuation.size() - 1 - done, session_.step_room());
    session_.step(continuation.subspan(done, count));
    for (size_t i = 0; i < count; ++i) {
      sum -= negative_log_likelihood(session_.logits_after(context + done + i), continuation[done + i + 1]);
    }
    done += count;
  }
  session_.truncate(context);
  return sum;
}

double EngineModel::score_in_blocks(std::span<const TokenId> ids, size_t context, const ModelEvents& events) {
  const size_t vocab = model_->config.vocab_size;
  double sum = 0;
  const auto sink = [&](size_t first, size_t rows, const float* rows_TV) {
    for (size_t row = 0; row < rows; ++row) {
      const size_t target = first + row + 1;
      if (target >= context && target < ids.size()) {
        sum -= negative_log_likelihood({rows_TV + row * vocab, vocab}, ids[target]);
      }
    }
  };
  const auto progress = [&](const PrefillProgress& p) {
    if (events.on_read) events.on_read(p.done);
  };
  session_.forward_all(ids, sink, progress, events.cancel, context - 1);
  return sum;
}

Likelihoods EngineModel::log_likelihoods(const EncodedChoices& choices, const ModelEvents& events) {
  const size_t context =
      std::max<size_t>(choices.context.size(), 1);  // a text's first token is not predicted
  Likelihoods result;
  std::vector<std::vector<TokenId>> texts;
  size_t most = 0;
  for (const std::vector<TokenId>& continuation : choices.continuations) {
    std::vector<TokenId>& ids = texts.emplace_back(choices.context);
    ids.insert(ids.end(), continuation.begin(), continuation.end());
    if (ids.size() <= context) {
      throw Error(ErrorKind::kArgument, "choice", "must have a token that can be predicted, found none");
    }
    result.tokens.push_back(ids.size() - context);
    most = std::max(most, ids.size() - context);
  }
  if (texts.empty()) return result;
  if (most > kMostSteps) {
    const auto start = Clock::now();
    for (const std::vector<TokenId>& ids : texts)
      result.nats.push_back(score_in_blocks(ids, context, events));
    session_.truncate(context);
    result.costs.prompt_tokens = context;
    result.costs.prefill_seconds = seconds_since(start);
    return result;
  }
  read(std::span(texts[0]).first(context), result.costs, events);
  const std::vector<float> prompt_logits(session_.logits().begin(), session_.logits().end());
  const auto start = Clock::now();
  for (const std::vector<TokenId>& ids : texts) {
    result.nats.push_back(score_in_steps(prompt_logits, std::span(ids).subspan(context)));
  }
  result.costs.decode_seconds = seconds_since(start);
  return result;
}

void EngineModel::restore(std::span<const TokenId> before, std::span<const TokenId> next,
                          const ModelEvents& events) {
  const size_t block = std::min(options_.session.prefill_block, session_.max_length());
  const size_t usable = std::min(shared_prefix(before, next), next.size() - 1) / block * block;
  ModelCosts ignored;
  if (usable > 0) read(before.first(usable), ignored, events);
}

}  // namespace longscroll
