// For tests: models that answer by a rule, with a token for each character and a cache that is only counted.
#pragma once

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "base/error.h"
#include "base/utf8.h"
#include "eval/language_model.h"

namespace longscroll::test {

inline constexpr TokenId kFakeBos = 1, kFakeTurn = 2, kFakeEnd = 3;

// Id = code point + 16; BOS before a text.
class FakeTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const override {
    std::vector<TokenId> ids;
    if (options.add_special) ids.push_back(kFakeBos);
    for (size_t at = 0; at < text.size();) {
      const Utf8Char c = decode_utf8(text, at);
      ids.push_back(static_cast<TokenId>(c.code_point) + 16);
      at += c.length;
    }
    return ids;
  }
  std::string decode(std::span<const TokenId> ids, bool = true) const override {
    std::string text;
    for (const TokenId id : ids) text += token_bytes(id);
    return text;
  }
  std::string token_bytes(TokenId id, bool = true) const override {
    std::string text;
    if (id >= 16) append_utf8(text, static_cast<uint32_t>(id - 16));
    return text;
  }
  size_t vocab_size() const override { return 0x110000 + 16; }
  std::string_view kind() const override { return "fake"; }
  bool is_special(TokenId id) const override { return id < 16; }
  std::optional<TokenId> find_token(std::string_view) const override { return std::nullopt; }
  std::optional<TokenId> bos() const override { return kFakeBos; }
  std::optional<TokenId> eos() const override { return kFakeEnd; }
};

// `rule`: from the text of a prompt to the answer.
class FakeModel : public LanguageModel {
 public:
  using Rule = std::function<std::string(const std::string& prompt)>;
  static constexpr size_t kBlock = 8;

  explicit FakeModel(Rule rule, size_t window = 100'000) : rule_(std::move(rule)), window_(window) {}

  size_t window() const override { return window_; }
  const Tokenizer* tokenizer() const override { return &tokenizer_; }
  nlohmann::ordered_json describe() const override { return {{"name", "fake"}}; }
  // BOS, then TURN role content END for each turn, then TURN.
  std::vector<TokenId> prompt_ids(std::span<const Turn> turns, bool bare) const override {
    if (bare) return tokenizer_.encode(turns[0].content);
    std::vector<TokenId> ids = {kFakeBos};
    for (const Turn& turn : turns) {
      ids.push_back(kFakeTurn);
      const auto content = tokenizer_.encode(turn.role + ":" + turn.content, {.add_special = false});
      ids.insert(ids.end(), content.begin(), content.end());
      ids.push_back(kFakeEnd);
    }
    ids.push_back(kFakeTurn);
    return ids;
  }
  Generated generate(const EvalPrompt& prompt, size_t max_new_tokens, std::span<const std::string>,
                     const ModelEvents& events) override {
    if (asked_ == fail_after) throw Error(ErrorKind::kCancelled, "test", "stopped");
    ++asked_;
    if (events.on_read) events.on_read(prompt.ids.size());
    longest = std::max(longest, prompt.ids.size() + max_new_tokens);
    Generated made;
    made.text = rule_(tokenizer_.decode(prompt.ids));
    made.generated_tokens = std::min(max_new_tokens, count_tokens(made.text));
    made.costs.prompt_tokens = prompt.ids.size();
    made.costs.reused_tokens = read(prompt.ids);
    made.costs.prefill_seconds = 0.001 * static_cast<double>(++calls_);  // another each time
    return made;
  }
  // A choice is the likelier, the more of its characters the prompt has.
  EncodedChoices encode_choices(std::span<const Turn> turns, bool bare,
                                std::span<const std::string> choices) const override {
    EncodedChoices encoded{prompt_ids(turns, bare), {}};
    for (const std::string& choice : choices) {
      encoded.continuations.push_back(tokenizer_.encode(choice, {.add_special = false}));
    }
    return encoded;
  }
  Likelihoods log_likelihoods(const EncodedChoices& choices, const ModelEvents&) override {
    Likelihoods found;
    for (const auto& ids : choices.continuations) {
      double sum = 0;
      for (const TokenId id : ids) sum += std::ranges::count(choices.context, id) > 0 ? -0.5 : -2.0;
      found.nats.push_back(sum);
      found.tokens.push_back(ids.size());
    }
    found.costs.prompt_tokens = choices.context.size();
    found.costs.reused_tokens = read(choices.context);
    return found;
  }
  void forget() override { held_.clear(); }
  void restore(std::span<const TokenId> before, std::span<const TokenId>, const ModelEvents&) override {
    held_.assign(before.begin(), before.end());
  }

  size_t fail_after = SIZE_MAX;  // answers
  size_t longest = 0;            // prompt and answer that were asked for

 private:
  size_t read(const std::vector<TokenId>& ids) {
    const auto [mine, theirs] = std::mismatch(held_.begin(), held_.end(), ids.begin(), ids.end());
    const size_t reused =
        std::min(static_cast<size_t>(mine - held_.begin()), ids.size() - 1) / kBlock * kBlock;
    held_ = ids;
    return reused;
  }

  FakeTokenizer tokenizer_;
  Rule rule_;
  size_t window_;
  size_t asked_ = 0, calls_ = 0;
  std::vector<TokenId> held_;
};

}  // namespace longscroll::test
