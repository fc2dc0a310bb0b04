// A model's configuration and tokenizer as the files of a Hugging Face directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "formats/tensor.h"
#include "model/export_target.h"

namespace longscroll {

// config.json as transformers 5 reads it. From a directory of the same architecture: its own, with the type
// changed. Throws Error(kUnsupported) when transformers has no words for the rotary scaling.
nlohmann::ordered_json hf_config(const ConversionSource& source, const ExportTarget& target,
                                 Remarks& remarks);

// Writes tokenizer.json or tokenizer.model, tokenizer_config.json and generation_config.json; from a
// directory, copies what is there. Returns the names of the files.
std::vector<std::string> write_hf_tokenizer(const ConversionSource& source, const ExportTarget& target,
                                            const std::filesystem::path& directory, Remarks& remarks);

// model.safetensors, or shards of at most `shard_bytes` (a larger tensor alone in its own) and their index.
// Returns the names of the files.
std::vector<std::string> write_hf_weights(const std::filesystem::path& directory,
                                          std::vector<TensorToWrite> tensors, uint64_t shard_bytes);

// The chat form of Index in Jinja, with the spelling that its vocabulary has for the ids 0, 3, 4 and 2: for
// the files that no longer say "index". nullopt when the vocabulary has other words there.
std::optional<std::string> index_chat_template(const TokenizerSource& tokenizer);

}  // namespace longscroll
