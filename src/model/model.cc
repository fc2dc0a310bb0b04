#include "model/model.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/cpu_features.h"
#include "base/error.h"
#include "formats/checkpoint.h"
#include "formats/gguf.h"
#include "kernels/kernels.h"
#include "model/config_files.h"
#include "model/json_fields.h"
#include "model/tokenizer_loader.h"
#include "model/weight_loader.h"

namespace longscroll {
namespace {

// Owns the mapped files and the copies that the weights point into.
class LoadedModel final : public Model {
 public:
  std::optional<GgufFile> gguf;
  std::optional<Checkpoint> checkpoint;
  WeightBuffers buffers;
};

void take_config(ParsedConfig& parsed, const std::string& where, Model& model) {
  if (parsed.config.head_dim > kMaxHeadDim) {
    throw Error(ErrorKind::kUnsupported, where,
                fmt::format("head_dim: must be at most {}, is {}", kMaxHeadDim, parsed.config.head_dim));
  }
  model.config = parsed.config;
  model.remarks = parsed.remarks;
}

void take_tokenizer(TokenizerFiles files, const LoadOptions& options, const std::string& where,
                    Model& model) {
  if (!files.tokenizer && options.need_tokenizer) {
    throw Error(ErrorKind::kFile, where, "must come with a tokenizer, has none",
                "add tokenizer.json or tokenizer.model to the model's directory");
  }
  if (files.tokenizer && files.tokenizer->vocab_size() > model.config.vocab_size) {
    throw Error(ErrorKind::kFile, where,
                fmt::format("the tokenizer must fit the embedding's {} rows, has {} tokens",
                            model.config.vocab_size, files.tokenizer->vocab_size()));
  }
  model.tokenizer = std::move(files.tokenizer);
  model.chat_metadata = std::move(files.chat_metadata);
  model.eos_ids = std::move(files.eos_ids);
  model.remarks.insert(model.remarks.end(), files.remarks.begin(), files.remarks.end());
}

void load_gguf(const std::filesystem::path& path, const LoadOptions& options, LoadedModel& model) {
  GgufFile& file = model.gguf.emplace(path);
  model.format = fmt::format("gguf v{}", file.version());
  ParsedConfig parsed = config_from_gguf(file);
  take_config(parsed, path.string(), model);
  take_tokenizer(tokenizer_from_gguf(file, model.config.architecture, model.config.vocab_size), options,
                 path.string(), model);
  file.drop_metadata();
  model.program_bytes = resident_memory_bytes();
  load_weights({&file.tensors(), true, path.string()}, parsed, options, model, model.buffers);
}

void load_directory(const std::filesystem::path& path, const LoadOptions& options, LoadedModel& model) {
  const auto config_path = path / "config.json";
  if (!std::filesystem::exists(config_path)) {
    throw Error(ErrorKind::kFile, path.string(), "a model's directory must hold config.json, has none");
  }
  ParsedConfig parsed = config_from_hf(read_json_object(config_path), config_path.string());
  take_config(parsed, config_path.string(), model);
  const Checkpoint& checkpoint = model.checkpoint.emplace(path);
  // Checkpoint takes safetensors when both are there.
  const bool safetensors = std::filesystem::exists(path / "model.safetensors") ||
                           std::filesystem::exists(path / "model.safetensors.index.json");
  model.format = safetensors ? "safetensors" : "torch bin";
  take_tokenizer(tokenizer_from_hf(path, model.config.architecture, model.config.vocab_size), options,
                 path.string(), model);
  model.program_bytes = resident_memory_bytes();
  load_weights({&checkpoint.tensors(), false, path.string()}, parsed, options, model, model.buffers);
}

}  // namespace

std::shared_ptr<const Model> load_model(const std::filesystem::path& path, const LoadOptions& options) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    throw Error(ErrorKind::kFile, path.string(),
                "must be a .gguf file or a model's directory, does not exist");
  }
  auto model = std::make_shared<LoadedModel>();
  model->path = path;
  if (std::filesystem::is_directory(path, ignored)) {
    load_directory(path, options, *model);
  } else if (path.extension() == ".safetensors" || path.extension() == ".bin") {
    throw Error(ErrorKind::kFile, path.string(),
                "must be a .gguf file or a model's directory, is the weights alone",
                "give the directory that holds config.json beside it");
  } else {
    load_gguf(path, options, *model);
  }
  return model;
}

}  // namespace longscroll
