// Numbers of the GGUF format that its reader and writer share.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/dtype.h"

namespace longscroll::gguf {

inline constexpr std::string_view kMagic = "GGUF";
inline constexpr std::string_view kAlignmentKey = "general.alignment";
inline constexpr uint64_t kDefaultAlignment = 32;
inline constexpr uint32_t kMaxDims = 4;

enum class ValueType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

struct TensorType {
  uint32_t id;
  std::string_view name;
  std::optional<DType> dtype;  // nullopt: known by name only
};

const TensorType* find_tensor_type(uint32_t id);  // null when the id is not a known one
uint32_t tensor_type_id(DType dtype);

}  // namespace longscroll::gguf
