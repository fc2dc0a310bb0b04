// cl100k_base, by which NeedleBench counts: a byte-level BPE from OpenAI's file of ranks. Each line is a
// token's bytes in base64, a space, and its rank; what is merged first follows from the ranks. Source:
// github.com/openai/tiktoken, tiktoken/load.py and tiktoken_ext/openai_public.py (cl100k_base).
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "text/tokenizer.h"

namespace longscroll {

// Encodes as tiktoken's encode_ordinary: special tokens are text. Throws Error(kFile), naming the line.
std::shared_ptr<const Tokenizer> tokenizer_from_ranks(std::string_view text,
                                                      const std::filesystem::path& where);

// The same from a file of ranks ("cl100k_base.tiktoken").
std::shared_ptr<const Tokenizer> read_ranks_file(const std::filesystem::path& path);

}  // namespace longscroll
