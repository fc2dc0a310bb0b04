// Text to ids and back. Implementations are built from plain tables; none reads a file.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/token_id.h"
#include "base/utf8.h"

namespace longscroll {

struct EncodeOptions {
  // Put BOS/EOS where the model's own configuration does.
  bool add_special = true;
  // Read "<|im_end|>" and the like in the text as the special token. Off for documents: their text
  // must never act as markup.
  bool parse_special = false;
};

// Immutable; safe to share between threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const = 0;

  // Exactly what the reference's decode gives. Ids out of range throw Error(kArgument).
  virtual std::string decode(std::span<const TokenId> ids, bool skip_special = true) const = 0;

  // Raw bytes that one id adds in the middle of a text (may be part of a UTF-8 character); empty for
  // special tokens when skip_special.
  virtual std::string token_bytes(TokenId id, bool skip_special = true) const = 0;

  // How decode() shows bytes: invalid ones as U+FFFD, one for each maximal invalid sequence or, where the
  // reference does so, one for each byte.
  virtual std::string show_bytes(std::string_view bytes) const { return replace_invalid_utf8(bytes); }

  // Whether decode() drops the space that `id` begins with, when it would be the first text of all:
  // the one that encode() put there. `dropped` counts the spaces dropped so far.
  virtual bool drops_leading_space(TokenId /*id*/, int /*dropped*/) const { return false; }

  virtual size_t vocab_size() const = 0;
  virtual std::string_view kind() const = 0;  // "bpe", "sentencepiece"
  virtual bool is_special(TokenId id) const = 0;
  // The id of a token given by its exact stored text, e.g. "<|im_start|>".
  virtual std::optional<TokenId> find_token(std::string_view text) const = 0;

  virtual std::optional<TokenId> bos() const = 0;
  virtual std::optional<TokenId> eos() const = 0;
};

// Turns ids into text as they come, never splitting a UTF-8 character: bytes of an unfinished one are
// held back until it is whole or flush() is called. Not thread safe.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true);
  std::string push(TokenId id);
  std::string flush();  // what is held back, invalid bytes as U+FFFD

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  bool at_start_ = true;  // no text yet
  int dropped_ = 0;
  std::string held_;
};

}  // namespace longscroll
