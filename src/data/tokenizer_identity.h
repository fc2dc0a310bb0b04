// Which tokenizer made ids: what a token shard remembers, so that it is never read by another model.
#pragma once

#include <cstdint>
#include <string>

#include "text/tokenizer.h"

namespace longscroll::data {

struct TokenizerIdentity {
  std::string kind;  // "bpe", "sentencepiece"
  uint32_t vocab_size = 0;
  std::string sha256;  // hexadecimal, see identify()
  std::string model;   // the name it was given by; says nothing about the ids, and is not compared

  // Whether ids of the one are ids of the other.
  bool same_ids(const TokenizerIdentity& other) const {
    return kind == other.kind && vocab_size == other.vocab_size && sha256 == other.sha256;
  }
  std::string text() const;  // "bpe, 49152 tokens, 3f2a9c01 (smollm2-135m)"
};

// The hash is over what the tokenizer does, not over its file, so that a GGUF file and a Hugging Face
// directory of one model agree: the kind, the bytes of every token, and the ids of a text in several scripts
// with numbers, code and white space, which depend on merges, scores and patterns.
TokenizerIdentity identify(const Tokenizer& tokenizer, std::string model);

}  // namespace longscroll::data
