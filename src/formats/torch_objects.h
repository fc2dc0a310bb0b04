// What a torch.save pickle may mean: an ordered dict, storages, and tensors over them. Nothing is loaded
// here: a tensor is a description, and torch_bin.cc finds its bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"

namespace longscroll {

struct TorchElement {
  std::string_view name;  // "FloatStorage", or "uint16" where the storage is untyped
  uint64_t bytes;
  std::optional<DType> dtype;
};

struct TorchTensor {
  std::string name;
  const TorchElement* element = nullptr;
  std::string_view storage_key;  // the entry data/KEY of the archive
  uint64_t storage_bytes = 0;    // as the pickle says
  uint64_t offset = 0;           // elements, as are the strides
  std::vector<uint64_t> shape;
  std::vector<uint64_t> strides;
};

// The tensors of the state dict in `pickle`, in its order; the dict may lie one level down, under
// "state_dict" or "model". Values that are no tensors are left out. Views point into `pickle`.
// Throws Error(kFile), naming the global, when the pickle wants anything that a state dict does not need.
std::vector<TorchTensor> read_state_dict(std::string_view pickle, const std::filesystem::path& path);

}  // namespace longscroll
