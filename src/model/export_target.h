// What the parts of a conversion share: where it comes from and what it becomes.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "model/architecture.h"
#include "model/conversion.h"
#include "model/model.h"
#include "model/tokenizer_loader.h"

namespace longscroll {

struct ConversionSource {
  std::shared_ptr<const Model> model;
  const Architecture* architecture = nullptr;
  TokenizerSource tokenizer;
  std::string name;                 // for general.name
  std::optional<GgufFile> gguf;     // when it is one
  std::filesystem::path directory;  // when it is one
};

// Throws as load_model does.
ConversionSource open_conversion_source(const std::filesystem::path& in);

struct ExportTarget {
  ModelForm form = ModelForm::kGguf;
  DType type = DType::kF16;
  const Architecture* architecture = nullptr;
  bool bake_norm_head = false;

  bool tied_head(const ModelConfig& config) const { return config.tied_head && !bake_norm_head; }
};

// What was changed, assumed or lost, a line each.
using Remarks = std::vector<std::string>;

}  // namespace longscroll
