// A language model's weights from any model that src/model reads, and to a Hugging Face directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "formats/tensor.h"
#include "model/model.h"
#include "train/language_model.h"

namespace longscroll::train {

// Fills lm's weights; block formats are dequantised, and a GGUF file's interleaved rows put in order.
// Adapters are left alone. Returns remarks: what was rounded or made up. Throws Error(kArgument) when the
// model is another one than lm was built for; rotary settings and window may differ, which is what training
// for a longer one is about.
std::vector<std::string> load_weights(LanguageModel& lm, const Model& model);

struct SaveOptions {
  DType type = DType::kBF16;                 // f32, bf16 or f16
  uint64_t shard_bytes = uint64_t{4} << 30;  // of one file
};

struct SavedModel {
  std::vector<std::string> files;    // names within the directory
  std::vector<std::string> remarks;  // what was rounded
};

// config.json with lm's rotary settings and window, the weights with adapters merged, and the tokenizer of
// `source`, the model that lm was loaded from. Each file is written through a temporary name; for all or
// nothing, give AtomicDirectory's temporary(). `directory` must exist. Throws Error(kArgument) for another
// type, Error(kFile) when a weight does not fit float16, Error(kResource) when the disk is full.
SavedModel save_weights(const LanguageModel& lm, const std::filesystem::path& source,
                        const std::filesystem::path& directory, const SaveOptions& options = {});

// The bytes of a tensor in `type`, row by row through a small buffer: what save_weights writes, without the
// merging.
TensorToWrite tensor_to_write(const std::string& name, const at::Tensor& tensor, DType type);

}  // namespace longscroll::train
