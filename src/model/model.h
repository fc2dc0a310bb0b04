// A loaded model: configuration, weights, tokenizer and chat form, from a GGUF file or a Hugging Face
// directory. Immutable and shared; safe between threads.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/weights.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace longscroll {

struct TensorSummary {
  std::string name;
  std::string type_name;
  std::vector<uint64_t> shape;
  uint64_t bytes = 0;
};

// Block formats packed for the integer kernels, which take activations in bytes; kMeasure only counts the
// bytes.
enum class Packing { kNone, kMeasure, kPack };

struct LoadOptions {
  bool need_tokenizer = false;  // absent tokenizer is an error
  bool weights_as_f32 = false;  // matrices widened to float32 in memory: the exact path
  Packing packing = Packing::kNone;
  int threads = 1;  // that pack
};

class Model {
 public:
  virtual ~Model() = default;

  ModelConfig config;
  Weights weights;
  std::shared_ptr<const Tokenizer> tokenizer;  // null when the model has none
  ChatMetadata chat_metadata;
  std::vector<TokenId> eos_ids;  // every id that the model's files name as end of text
  std::string format;            // "gguf v3", "safetensors", "torch bin"
  std::filesystem::path path;
  std::vector<TensorSummary> tensors;
  uint64_t weight_bytes = 0;   // bytes that computing keeps in memory
  uint64_t program_bytes = 0;  // what the process held before it read the weights: code, tokenizer
  uint64_t parameter_count = 0;
  std::vector<std::string> remarks;  // whatever was assumed or ignored: to be shown, never silent
};

// `path`: a .gguf file, or a directory with config.json. Throws Error(kFile | kUnsupported).
std::shared_ptr<const Model> load_model(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace longscroll
