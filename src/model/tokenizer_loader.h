// The tokenizer and the chat form that a model's files carry.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace longscroll {

struct TokenizerFiles {
  std::shared_ptr<const Tokenizer> tokenizer;  // null when the files carry none
  ChatMetadata chat_metadata;
  std::vector<TokenId> eos_ids;  // as the files name them, without repeats
  std::vector<std::string> remarks;
};

// `architecture` is the table's name, `vocab_size` bounds the ids. Both throw Error(kFile) on tables that
// contradict each other and Error(kUnsupported) on a tokenizer of another kind.
TokenizerFiles tokenizer_from_gguf(const GgufFile& file, std::string_view architecture, uint32_t vocab_size);
TokenizerFiles tokenizer_from_hf(const std::filesystem::path& directory, std::string_view architecture,
                                 uint32_t vocab_size);

}  // namespace longscroll
