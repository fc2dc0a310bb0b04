// A tensor as a file stores it: checked name, type, shape and bytes. Meaning starts in model/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"

namespace longscroll {

struct TensorView {
  std::string name;
  std::string type_name;            // the file's own word for the type, e.g. "I64", "IQ2_XS"
  std::optional<DType> dtype;       // nullopt when it is a type that we do not compute with
  std::vector<uint64_t> shape;      // row-major, outermost dimension first (also for GGUF)
  std::span<const std::byte> data;  // inside the mapped file; unaligned; empty when dtype is nullopt
};

// A tensor to be written. `produce` is called once, in order, and hands its bytes to the sink in as
// many pieces as it likes; their sum must be dtype_bytes(dtype, elements).
struct TensorToWrite {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<uint64_t> shape;
  std::function<void(const std::function<void(std::span<const std::byte>)>& sink)> produce;
};

}  // namespace longscroll
