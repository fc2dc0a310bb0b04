// A model behind an OpenAI-style HTTP interface (api-reference: POST /chat/completions, POST /completions).
#pragma once

#include <memory>
#include <string>

#include "eval/http_post.h"
#include "eval/language_model.h"

namespace longscroll {

struct EndpointOptions {
  std::string url;    // up to and with the version: "http://127.0.0.1:8080/v1"
  std::string model;  // as the server calls it
  std::string key;    // empty: none is sent
  size_t window = 0;  // 0: the server alone knows
  // Its ids are believed to be the server's, for counting and cutting; null: prompts are sent as they are.
  std::shared_ptr<const Tokenizer> tokenizer;
  PostPolicy policy;
};

// Turns go to chat completions, bare prompts to completions; always greedy. Prompt tokens are those that the
// server reports. It gives no likelihoods: few servers do, and none the way that scores need.
class EndpointModel : public LanguageModel {
 public:
  explicit EndpointModel(EndpointOptions options);  // throws Error(kArgument)

  size_t window() const override { return options_.window; }
  const Tokenizer* tokenizer() const override { return options_.tokenizer.get(); }
  nlohmann::ordered_json describe() const override;
  std::vector<TokenId> prompt_ids(std::span<const Turn>, bool) const override { return {}; }
  Generated generate(const EvalPrompt& prompt, size_t max_new_tokens, std::span<const std::string> stop,
                     const ModelEvents& events) override;
  EncodedChoices encode_choices(std::span<const Turn> turns, bool bare,
                                std::span<const std::string> choices) const override;
  Likelihoods log_likelihoods(const EncodedChoices& choices, const ModelEvents& events) override;

 private:
  EndpointOptions options_;
};

}  // namespace longscroll
