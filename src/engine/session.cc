#include "engine/session.h"

#include <algorithm>
#include <cassert>
#include <string>

#include "base/error.h"
#include "engine/forward.h"

namespace longscroll {
namespace {

SessionOptions checked(const Model& model, SessionOptions options) {
  const auto fault = [](const char* what, const std::string& found) {
    throw Error(ErrorKind::kArgument, "session", std::string(what) + ", found " + found);
  };
  if (options.threads < 1 || options.threads > 1024) {
    fault("threads must be 1 to 1024", std::to_string(options.threads));
  }
  if (options.prefill_block < 1)
    fault("prefill_block must be at least 1", std::to_string(options.prefill_block));
  if (options.max_length == 0) options.max_length = model.config.max_position;
  if (options.max_length > model.config.max_position) {
    fault("max_length must be within the model's window", std::to_string(options.max_length));
  }
  if (model.config.head_dim > kMaxHeadDim) {
    throw Error(ErrorKind::kUnsupported, model.path.string(),
                "the head dimension must be at most " + std::to_string(kMaxHeadDim) + ", found " +
                    std::to_string(model.config.head_dim));
  }
  if (!kv_format(options.kv_type, model.config).supported()) {
    throw Error(ErrorKind::kUnsupported, "session",
                "the head dimension must be a multiple of 32 for the KV type " +
                    std::string(kv_type_name(options.kv_type)) + ", found " +
                    std::to_string(model.config.head_dim),
                "use the KV type f16");
  }
  options.prefill_block = std::min(options.prefill_block, options.max_length);
  return options;
}

}  // namespace

struct Session::State {
  State(std::shared_ptr<const Model> shared, const SessionOptions& asked)
      : model(std::move(shared)),
        options(checked(*model, asked)),
        cache(model->config, options.max_length, options.kv_type),
        forward(*model, options.prefill_block, options.max_length, options.threads),
        logits(std::min(kFewTokens, options.prefill_block) * model->config.vocab_size) {
    ids.reserve(options.max_length);  // a step allocates nothing
  }

  void check_ids(std::span<const TokenId> new_ids) const;
  void compute(std::span<const TokenId> all, size_t rope_length, const std::atomic<bool>* cancel);
  size_t reusable(std::span<const TokenId> wanted) const;
  void truncate(size_t length);
  // Dynamic NTK turns by the length of the text.
  size_t effective_rope_length(size_t length) const {
    const RopeConfig& rope = model->config.rope;
    return rope.scaling == RopeScaling::kDynamicNtk ? std::max<size_t>(length, rope.original_max_position)
                                                    : 0;
  }
  void turn_cached(size_t length);

  std::shared_ptr<const Model> model;
  SessionOptions options;
  KvCache cache;
  Forward forward;
  SpeculationGate speculation_gate;
  std::vector<float> logits;      // [rows, V]
  size_t first_logits = 0;        // position of the first row
  std::vector<TokenId> ids;       // what the cache holds
  size_t turned_rope_length = 0;  // by which the cached keys are turned now
  // The first tokens were computed with one rope length: what keys and values are beyond their rotation
  // follows from it too, through the layers below. Of these, the first that were computed as whole blocks
  // from an empty cache on; what steps appended, or a block that began elsewhere, was rounded in another
  // grouping.
  size_t computed_rope_length = 0;
  size_t computed_alike = 0;
  size_t whole_blocks = 0;

  void note_computed(size_t first);
};

void Session::State::check_ids(std::span<const TokenId> new_ids) const {
  if (new_ids.empty())
    throw Error(ErrorKind::kArgument, "prompt", "there must be at least one token, found none");
  if (new_ids.size() > options.max_length) {
    throw Error(ErrorKind::kArgument, "prompt",
                "the session holds " + std::to_string(options.max_length) + " tokens, found " +
                    std::to_string(new_ids.size()));
  }
  for (const TokenId id : new_ids) {
    if (id < 0 || static_cast<uint32_t>(id) >= model->config.vocab_size) {
      throw Error(ErrorKind::kArgument, "prompt",
                  "ids must be below the vocabulary's " + std::to_string(model->config.vocab_size) +
                      ", found " + std::to_string(id));
    }
  }
}

size_t Session::State::reusable(std::span<const TokenId> wanted) const {
  const size_t rope_length = effective_rope_length(wanted.size());
  if (rope_length != computed_rope_length) return 0;
  const auto alike = ids.begin() + static_cast<std::ptrdiff_t>(computed_alike);
  const auto [mine, theirs] = std::mismatch(ids.begin(), alike, wanted.begin(), wanted.end());
  const size_t equal = std::min(static_cast<size_t>(mine - ids.begin()), wanted.size() - 1);
  if (!options.reuse_whole_blocks) return equal;
  return std::min(equal, whole_blocks) / options.prefill_block * options.prefill_block;
}

void Session::State::truncate(size_t length) {
  ids.resize(std::min(length, ids.size()));
  computed_alike = std::min(computed_alike, ids.size());
  whole_blocks = std::min(whole_blocks, ids.size() / options.prefill_block * options.prefill_block);
}

// What the cache holds is turned as a text of `length` tokens has it, where the cache can be turned again.
void Session::State::turn_cached(size_t length) {
  const size_t wanted = effective_rope_length(length);
  if (wanted != turned_rope_length && !ids.empty() && cache.unrotated() != nullptr)
    forward.rotate_again(ids.size(), length, cache);
  turned_rope_length = wanted;
}

// Tokens from `first` on were appended, turned by turned_rope_length.
void Session::State::note_computed(size_t first) {
  if (first == 0) computed_rope_length = turned_rope_length;
  if (first == computed_alike && computed_rope_length == turned_rope_length) computed_alike = ids.size();
}

// Appends the block all[ids.size() …] to the cache.
void Session::State::compute(std::span<const TokenId> all, size_t rope_length,
                             const std::atomic<bool>* cancel) {
  const size_t first = ids.size();
  const std::span<const TokenId> block =
      all.subspan(first, std::min(options.prefill_block, all.size() - first));
  turn_cached(rope_length);
  forward.run(block, first, rope_length, cache, cancel);
  ids.insert(ids.end(), block.begin(), block.end());
  note_computed(first);
  if (first == whole_blocks && block.size() == options.prefill_block) whole_blocks = ids.size();
}

Session::Session(std::shared_ptr<const Model> model, SessionOptions options)
    : state_(std::make_unique<State>(std::move(model), options)) {}
Session::~Session() = default;

size_t Session::prefill(std::span<const TokenId> ids, const ProgressFn& progress,
                        const std::atomic<bool>* cancel) {
  State& s = *state_;
  s.check_ids(ids);
  const size_t reused = s.reusable(ids);
  s.truncate(reused);
  while (s.ids.size() < ids.size()) {
    s.compute(ids, ids.size(), cancel);
    if (progress) progress({.done = s.ids.size() - reused, .total = ids.size() - reused});
  }
  s.forward.logits((ids.size() - reused - 1) % s.options.prefill_block, 1, s.logits.data());
  s.first_logits = ids.size() - 1;
  return reused;
}

size_t Session::step_room() const {
  const State& s = *state_;
  const size_t length = s.ids.size();
  size_t room = std::min({kFewTokens, s.options.prefill_block, s.options.max_length - length});
  while (room > 1 && s.effective_rope_length(length + room) != s.effective_rope_length(length + 1)) --room;
  return room;
}

void Session::step(std::span<const TokenId> ids) {
  State& s = *state_;
  if (s.ids.size() >= s.options.max_length) {
    throw Error(ErrorKind::kArgument, "session",
                "the session holds " + std::to_string(s.options.max_length) + " tokens and is full");
  }
  s.check_ids(ids);
  assert(ids.size() <= step_room());
  const size_t first = s.ids.size();
  s.turn_cached(first + 1);
  s.forward.run(ids, first, first + 1, s.cache, nullptr);
  s.ids.insert(s.ids.end(), ids.begin(), ids.end());
  s.note_computed(first);
  s.forward.logits(0, ids.size(), s.logits.data());
  s.first_logits = first;
}

std::span<const float> Session::logits() const {
  return logits_after(state_->ids.size() - 1);
}
std::span<const float> Session::logits_after(size_t position) const {
  const State& s = *state_;
  assert(position >= s.first_logits && position < s.ids.size());
  const size_t vocab = s.model->config.vocab_size;
  return std::span(s.logits).subspan((position - s.first_logits) * vocab, vocab);
}

void Session::forward_all(std::span<const TokenId> ids, const LogitsFn& sink, const ProgressFn& progress,
                          const std::atomic<bool>* cancel, size_t first_wanted) {
  constexpr size_t kRowsAtOnce = 32;  // bounds the logits in memory
  State& s = *state_;
  s.check_ids(ids);
  s.truncate(0);
  const size_t vocab = s.model->config.vocab_size;
  std::vector<float> rows_TV(std::min(kRowsAtOnce, s.options.prefill_block) * vocab);
  while (s.ids.size() < ids.size()) {
    const size_t first = s.ids.size();
    s.compute(ids, ids.size(), cancel);
    const size_t count = s.ids.size() - first;
    for (size_t row = 0; row < count; row += kRowsAtOnce) {
      const size_t rows = std::min(kRowsAtOnce, count - row);
      if (first + row + rows <= first_wanted) continue;
      s.forward.logits(row, rows, rows_TV.data());
      sink(first + row, rows, rows_TV.data());
      std::copy_n(rows_TV.data() + (rows - 1) * vocab, vocab, s.logits.data());
    }
    s.first_logits = s.ids.size() - 1;
    if (progress) progress({.done = s.ids.size(), .total = ids.size()});
  }
}

const std::vector<TokenId>& Session::ids() const {
  return state_->ids;
}
void Session::truncate(size_t length) {
  state_->truncate(length);
}
size_t Session::max_length() const {
  return state_->options.max_length;
}
const Model& Session::model() const {
  return *state_->model;
}
SpeculationGate& Session::speculation_gate() {
  return state_->speculation_gate;
}

MemoryForecast forecast_memory(const Model& model, const SessionOptions& asked) {
  const SessionOptions options = checked(model, asked);
  return {.program = model.program_bytes,
          .weights = model.weight_bytes,
          .kv_cache = KvCache::bytes_for(model.config, options.max_length, options.kv_type),
          .scratch = Forward::scratch_bytes(model.config, options.prefill_block, options.max_length,
                                            options.threads)};
}

}  // namespace longscroll
