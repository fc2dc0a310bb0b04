// From what a model's files say of it to a ModelConfig.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "formats/gguf.h"
#include "model/architecture.h"
#include "model/config.h"

namespace longscroll {

struct ParsedConfig {
  const Architecture* architecture = nullptr;
  ModelConfig config;
  // The files say that the attention's projections have biases, also where the table has them optional.
  bool attention_bias = false;
  std::vector<std::string> remarks;
};

// config.json of a Hugging Face directory. Throws Error(kFile) on a contradiction and
// Error(kUnsupported) on a feature that we do not compute.
ParsedConfig config_from_hf(const nlohmann::json& config, const std::string& where);

// The metadata of a GGUF file; rope_freqs.weight and the embedding's rows are looked up too.
ParsedConfig config_from_gguf(const GgufFile& file);

}  // namespace longscroll
