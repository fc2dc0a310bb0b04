// PyTorch .bin checkpoints (zip with data.pkl): a restricted unpickler that builds tensors and the
// containers that hold them, and refuses every other opcode and global.
#pragma once

#include <filesystem>
#include <vector>

#include "base/mapped_file.h"
#include "formats/tensor.h"

namespace longscroll {

class TorchBinFile {
 public:
  explicit TorchBinFile(const std::filesystem::path& path);  // throws Error(kFile)

  // The state dictionary's tensors, contiguous ones only: a transposed view is refused by name.
  const std::vector<TensorView>& tensors() const { return tensors_; }

 private:
  MappedFile file_;
  std::vector<TensorView> tensors_;
};

}  // namespace longscroll
