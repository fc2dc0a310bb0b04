// Number formats of stored tensors. The quantised ones are GGUF's: a row is cut into blocks of
// `block_elems` values, each block stored in `block_bytes` bytes (scales included).
// Layouts: ggml's published block formats; docs/formats/gguf.md draws them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace longscroll {

enum class DType : uint8_t { kF32, kF16, kBF16, kQ4_0, kQ4_1, kQ5_0, kQ5_1, kQ8_0, kQ4_K, kQ5_K, kQ6_K };
inline constexpr size_t kNumDTypes = 11;

struct DTypeInfo {
  std::string_view name;  // lower case, as the command line spells it: "q4_k"
  uint32_t block_elems;
  uint32_t block_bytes;
};

const DTypeInfo& dtype_info(DType dtype);
std::optional<DType> dtype_from_name(std::string_view name);

// Bytes of `elems` consecutive values; nullopt when elems is not whole blocks or the product overflows.
std::optional<uint64_t> dtype_bytes(DType dtype, uint64_t elems);

}  // namespace longscroll
