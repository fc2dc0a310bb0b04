// Our own engine behind the evaluation's interface.
#pragma once

#include <memory>

#include "engine/session.h"
#include "eval/language_model.h"
#include "model/model.h"
#include "text/chat_template.h"

namespace longscroll {

struct EngineModelOptions {
  SessionOptions session;              // whole blocks are reused alone, whatever it says
  std::optional<ChatFormat> chat;      // nullopt: turns are joined by line ends
  std::string default_system;          // of the chat form
  std::vector<TokenId> stop_ids;       // end an answer
  nlohmann::ordered_json description;  // the manifest's `model`
};

// What the manifest says of a model; `sha256` of its file, `name` as it was asked for.
nlohmann::ordered_json describe_engine_model(const Model& model, const std::string& name,
                                             const std::string& sha256, const std::string& compute,
                                             const EngineModelOptions& options);

// Of a file its SHA-256; of a directory that of the lines "SHA-256  NAME" of its files, by name. Throws
// Error(kFile), Error(kCancelled).
std::string hash_model(const std::filesystem::path& path, const std::atomic<bool>* cancel);

// An answer's ids never depend on what was read before it: only whole blocks of 512 tokens are reused.
class EngineModel : public LanguageModel {
 public:
  // Throws Error(kUnsupported) when the model has no tokenizer, and as Session does.
  EngineModel(std::shared_ptr<const Model> model, EngineModelOptions options);

  size_t window() const override { return session_.max_length(); }
  const Tokenizer* tokenizer() const override { return model_->tokenizer.get(); }
  nlohmann::ordered_json describe() const override { return options_.description; }
  std::vector<TokenId> prompt_ids(std::span<const Turn> turns, bool bare) const override;
  Generated generate(const EvalPrompt& prompt, size_t max_new_tokens, std::span<const std::string> stop,
                     const ModelEvents& events) override;
  EncodedChoices encode_choices(std::span<const Turn> turns, bool bare,
                                std::span<const std::string> choices) const override;
  Likelihoods log_likelihoods(const EncodedChoices& choices, const ModelEvents& events) override;
  void forget() override { session_.truncate(0); }
  void restore(std::span<const TokenId> before, std::span<const TokenId> next,
               const ModelEvents& events) override;

 private:
  void read(std::span<const TokenId> ids, ModelCosts& costs, const ModelEvents& events);
  double score_in_steps(std::span<const float> prompt_logits, std::span<const TokenId> continuation);
  double score_in_blocks(std::span<const TokenId> ids, size_t context, const ModelEvents& events);

  std::shared_ptr<const Model> model_;
  EngineModelOptions options_;
  Session session_;
};

}  // namespace longscroll
