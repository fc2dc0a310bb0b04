// Block sizes of the vector kernels, shared with the functions that say how much scratch they need.
#pragma once

#include <cstddef>
#include <cstdint>

namespace longscroll {

inline constexpr size_t kBlockK = 512;      // matmul's slice of K: whole blocks of every format
inline constexpr size_t kPanelGroup = 128;  // weight rows packed at a time: with kBlockK, 256 KiB of L2
inline constexpr size_t kKeyBlock = 256;    // keys of one step of blocked attention
inline constexpr size_t kMaxPanel = 32;     // widest register tile, columns
inline constexpr size_t kMaxRows = 12;      // tallest register tile
// Row strides of the micro-kernel's left side; not powers of two, so that rows fall into different
// cache sets.
inline constexpr size_t kStrideA = kBlockK + 16;
inline constexpr size_t kStrideQ = 256 + 16;
inline constexpr size_t kStrideS = kKeyBlock + 16;

inline constexpr size_t kSliceGroups = 16;      // groups of packed weights unpacked at a time
inline constexpr float kTiniestScale = 1e-30f;  // below, 1 / scale might overflow: the codes are 0

// The first address from p on that is a multiple of 64.
inline float* align_64(float* p) {  // NOLINT(readability-non-const-parameter): what it returns is written to
  const size_t past = reinterpret_cast<uintptr_t>(p) % 64;
  return p + (past == 0 ? 0 : (64 - past) / sizeof(float));
}

}  // namespace longscroll
