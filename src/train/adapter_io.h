// LoRA adapters in the form of Hugging Face's PEFT: adapter_config.json and adapter_model.safetensors.
// Embeddings, head and norms that were trained too are in the same file, as PEFT's "modules_to_save".
#pragma once

#include <filesystem>
#include <string>

#include "train/language_model.h"

namespace longscroll::train {

// Float32. `base_model` is what PEFT loads the adapter onto: a path or a name. Files go through temporary
// names; `directory` must exist. Throws Error(kArgument) when lm has no adapters, Error(kResource) when the
// disk is full.
void save_adapter(const LanguageModel& lm, const std::string& base_model,
                  const std::filesystem::path& directory);

// Into an lm of the same rank, scale, targets and trained modules. Throws Error(kFile), naming the tensor,
// when the file has others than lm, or of other shapes; lm may then be filled in part.
void load_adapter(LanguageModel& lm, const std::filesystem::path& directory);

}  // namespace longscroll::train
