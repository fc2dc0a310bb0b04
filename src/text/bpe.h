// Byte-level BPE (GPT-2's family), from plain tables or from a tokenizer.json.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/tokenizer.h"

namespace longscroll {

struct BpeTables {
  std::vector<std::string>
      tokens;  // by id, in the stored spelling: GPT-2's byte alphabet; added ones as they read
  std::vector<std::string> merges;  // "left right", best rank first
  std::vector<AddedToken> added;    // ids index `tokens`
  // A pre-tokenizer by GGUF's name: "gpt-2", "smollm", "qwen2", "llama-bpe". A name brings its patterns,
  // its NFC and its ignore_merges with it. Empty: `split_patterns` says how.
  std::string pre;
  std::vector<std::string> split_patterns;  // applied one after the other, matches kept as pieces
  bool ignore_merges = false;               // a word that is a token as it stands is not taken apart
  bool add_bos = false;
  bool add_eos = false;
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  bool nfc = false;
  bool add_prefix_space = false;
};

// Ids equal those of Hugging Face's tokenizers. Bytes that are not UTF-8 are read as U+FFFD, one for
// each maximal invalid sequence: what Python's errors="replace" would hand to the reference.
// Throws Error(kFile) when the tables contradict themselves, Error(kUnsupported) on an unknown `pre`.
std::shared_ptr<const Tokenizer> make_bpe_tokenizer(BpeTables tables, std::string_view where);

// Throws Error(kFile) when it is not a tokenizer.json, Error(kUnsupported), naming the part, when it asks
// for something that this class does not do. BOS and EOS come from the post-processor; `eos` is empty
// when only the model's configuration names it.
BpeTables bpe_tables_from_tokenizer_json(std::string_view json, std::string_view where);

// A tokenizer.json that Hugging Face's tokenizers loads with the same ids. Throws Error(kUnsupported) on
// an unknown `pre`, Error(kFile) on a token or a merge that is not text in UTF-8.
std::string tokenizer_json_from_bpe_tables(BpeTables tables, std::string_view where);

}  // namespace longscroll
