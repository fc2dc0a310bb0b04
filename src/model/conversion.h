// From one form of a model's files to another: a Hugging Face directory or a GGUF file, either way, with
// the weights in another type. docs/json.md lists what the report holds.
//
// GGUF is written as llama.cpp's own converter writes it, so that llama.cpp runs the result; a directory
// as transformers saves it. Index becomes "llama" wherever the reader would not know its norm head: each
// row of the head is divided by its L2 norm.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/dtype.h"

namespace longscroll {

enum class ModelForm { kGguf, kHuggingFace };

struct ConvertOptions {
  ModelForm to = ModelForm::kGguf;
  DType type = DType::kF16;  // f32, bf16 or f16; for GGUF also q8_0 and q4_0
  bool as_llama = false;     // Index to a directory: norm head baked in. GGUF always has it so
  bool force = false;        // replace what lies at the output
  uint64_t shard_bytes = uint64_t{4} << 30;  // of one file of a directory
};

struct ConvertEvents {
  std::function<void(uint64_t done, uint64_t total)> progress;  // bytes of tensors written
  const std::atomic<bool>* cancel = nullptr;                    // ends with Error(kCancelled)
};

struct TypeCount {
  size_t tensors = 0;
  uint64_t bytes = 0;
};

struct ConvertReport {
  std::string source_format;
  std::string source_architecture;
  std::string architecture;                // as the output names it
  std::string tokenizer;                   // "bpe", "sentencepiece" or "none", of the output
  std::map<std::string, TypeCount> types;  // as dtype_info names them
  std::vector<std::string> files;          // names within the output's directory, or of the file
  std::vector<std::string> remarks;        // everything that was changed, assumed or lost
};

// An interrupted or failed conversion leaves nothing under `out`, and what lay there before stays.
// Throws Error: kArgument when the output is the input, exists without `force`, or the options contradict
// each other; kUnsupported when the other form cannot say what the model is; else as load_model does.
ConvertReport convert_model(const std::filesystem::path& in, const std::filesystem::path& out,
                            const ConvertOptions& options, const ConvertEvents& events = {});

}  // namespace longscroll
