// What a model is asked about a document: the document first and the request last, so that the cache of
// the document serves every further question.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/common.h"

namespace longscroll {

enum class Language { kChinese, kEnglish };
const char* to_string(Language language);

// "zh", "en", or "auto": Chinese for Index, as in its report; else by the share of Chinese characters.
Language choose_language(std::string_view option, const Model& model, std::string_view text);

class DocumentPrompt {
 public:
  // The model must have a tokenizer.
  DocumentPrompt(const Model& model, Language language);

  // Asks for a summary when there is no question. For Index the summary's prompt is the report's, id by id.
  std::vector<TokenId> ids(std::string_view document, std::optional<std::string_view> question) const;

  const ChatForm& form() const { return form_; }

 private:
  std::string user_message(std::string_view document, std::optional<std::string_view> question) const;
  std::string continuation(std::string_view document, std::optional<std::string_view> question) const;

  const Model* model_;
  Language language_;
  ChatForm form_;
};

enum class OverLength { kRefuse, kMiddle };

struct FittedDocument {
  std::string text;
  size_t tokens = 0;    // of the whole document
  size_t left_out = 0;  // tokens that are not in `text`
};

// The document as it goes into prompts of at most `limit` tokens. Throws Error(kArgument) with the numbers
// and the choices when it does not fit and must not be cut.
FittedDocument fit_document(const DocumentPrompt& prompt, const Tokenizer& tokenizer, const std::string& text,
                            size_t limit, OverLength over_length, const std::string& where);

}  // namespace longscroll
