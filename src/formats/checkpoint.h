// The weights of a Hugging Face directory: model.safetensors or pytorch_model.bin, one file or shards
// with an index, found and joined. Safetensors is taken when both are there.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "formats/tensor.h"
#include "formats/torch_bin.h"

namespace longscroll {

class Checkpoint {
 public:
  // Throws Error(kFile): no weights, a shard missing, a tensor twice, an index that disagrees.
  explicit Checkpoint(const std::filesystem::path& directory);

  const std::vector<TensorView>& tensors() const { return tensors_; }
  const TensorView* find(std::string_view name) const;

 private:
  std::vector<std::unique_ptr<SafetensorsFile>> safetensors_;
  std::vector<std::unique_ptr<TorchBinFile>> bins_;
  std::vector<TensorView> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
};

}  // namespace longscroll
