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

// A key of our own in GGUF: factor, low and high frequency factor, window of llama3's rotary scaling.
inline constexpr std::string_view kLlama3RopeKey = "longscroll.rope.llama3";

// The one size of Gemma whose query scale does not come from the head, in llama.cpp's eyes.
inline constexpr uint32_t kGemma27bLayers = 62;

struct ParsedConfig {
  const Architecture* architecture = nullptr;
  ModelConfig config;
  // The files say that the attention's projections have biases, also where the table has them optional.
  bool attention_bias = false;
  std::vector<std::string> remarks;
};

// config.json of a Hugging Face directory. Throws Error(kFile) on a contradiction and
// Error(kUnsupported) on a feature that we do not compute.
ParsedConfig config_from_hf(const nlohmann::json& object, const std::string& where);

// The metadata of a GGUF file; rope_freqs.weight and the embedding's rows are looked up too.
ParsedConfig config_from_gguf(const GgufFile& file);

}  // namespace longscroll
