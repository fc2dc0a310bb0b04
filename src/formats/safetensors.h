// safetensors: reader over a mapped file, and writer. Source: the format's README (header length,
// JSON header, data). Sharded checkpoints are a directory's matter: see formats/checkpoint.h.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "formats/tensor.h"

namespace longscroll {

class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);  // throws Error(kFile)

  const std::vector<TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  MappedFile file_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

// f32, f16 and bf16 only: safetensors has no block formats. Temporary name, sync, rename.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
                       const std::vector<TensorToWrite>& tensors);

}  // namespace longscroll
