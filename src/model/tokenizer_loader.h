// The tokenizer and the chat form that a model's files carry.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/gguf.h"
#include "text/bpe.h"
#include "text/chat_template.h"
#include "text/sentencepiece_model.h"
#include "text/sentencepiece_tokenizer.h"
#include "text/tokenizer.h"

namespace longscroll {

struct TokenizerFiles {
  std::shared_ptr<const Tokenizer> tokenizer;  // null when the files carry none
  ChatMetadata chat_metadata;
  std::vector<TokenId> eos_ids;  // as the files name them, without repeats
  std::vector<std::string> remarks;
};

struct SentencePieceSource {
  SpmTables tables;   // as the files have them
  std::string proto;  // what the library loads
  SentencePieceOptions options;
};

// What the files say, before a tokenizer is made of it: conversion writes it in another form.
struct TokenizerSource {
  std::variant<std::monostate, BpeTables, SentencePieceSource> tables;  // monostate: the files carry none
  std::string where;                                                    // the file at fault, for messages
  std::optional<std::string> chat_template;
  std::optional<TokenId> bos, eos, pad;
  std::vector<TokenId> eos_ids;  // as the files name them, without repeats
  std::vector<std::string> remarks;
};

// `vocab_size` bounds the ids. All throw Error(kFile) on tables that contradict each other and
// Error(kUnsupported) on a tokenizer of another kind.
TokenizerSource tokenizer_source_from_gguf(const GgufFile& file, uint32_t vocab_size);
TokenizerSource tokenizer_source_from_hf(const std::filesystem::path& directory, uint32_t vocab_size);

// `architecture` is the table's name.
TokenizerFiles tokenizer_from_gguf(const GgufFile& file, std::string_view architecture, uint32_t vocab_size);
TokenizerFiles tokenizer_from_hf(const std::filesystem::path& directory, std::string_view architecture,
                                 uint32_t vocab_size);

}  // namespace longscroll
