// Tokenizers of the SentencePiece family, run by its own library.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer.h"

namespace longscroll {

struct SentencePieceOptions {
  bool add_bos = false;
  bool add_eos = false;
  std::optional<TokenId> bos = {};
  std::optional<TokenId> eos = {};
  // Tokens beside the model's pieces, or pieces that are markup. Control pieces and <unk> are special
  // without being named here. A special one is never made from text, even if the model would.
  std::vector<AddedToken> added = {};
};

// Ids equal the sentencepiece library's (and, for Gemma's tables, transformers'). Invalid UTF-8 is read
// as U+FFFD as in make_bpe_tokenizer. Decoding shows each byte of an invalid sequence as one U+FFFD.
// Throws Error(kFile) when the model is damaged, Error(kUnsupported) as spm_tables_from_proto does.
std::shared_ptr<const Tokenizer> make_sentencepiece_tokenizer(std::string_view model_proto,
                                                              SentencePieceOptions options,
                                                              std::string_view where);

}  // namespace longscroll
