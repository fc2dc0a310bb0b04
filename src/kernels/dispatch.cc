#include <array>
#include <cstdlib>
#include <string>

#include "base/cpu_features.h"
#include "base/error.h"
#include "kernels/sets.h"
#include "kernels/vector_sizes.h"

namespace longscroll {
namespace {

std::string known_names() {
  std::string names;
  for (const KernelSet* set : all_kernel_sets()) {
    if (!names.empty()) names += ", ";
    names += set->name;
    if (!set->available()) names += " (not on this machine)";
  }
  return names;
}

const KernelSet& choose() {
  const char* forced = std::getenv("LONGSCROLL_ISA");
  if (forced != nullptr && *forced != '\0') return kernel_set(forced);
  const KernelSet* best = &portable_kernels();
  for (const KernelSet* set : all_kernel_sets()) {
    if (set->available()) best = set;
  }
  return *best;
}

size_t round_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

#if defined(LONGSCROLL_X86)
bool has_avx2() {
  return cpu_features().avx2_fma_f16c;
}
bool has_avx_vnni() {
  return cpu_features().avx_vnni;
}
bool has_avx512() {
  return cpu_features().avx512;
}
bool has_avx512_vnni() {
  return cpu_features().avx512_vnni;
}
bool has_avx512_vnni_bf16() {
  return cpu_features().avx512_vnni && cpu_features().avx512_bf16;
}
#endif

std::span<const KernelSet* const> all_kernel_sets() {
#if defined(LONGSCROLL_X86)
  static const std::array<const KernelSet*, 6> sets = {&portable_kernels(), &kAvx2Kernels,
                                                       &kAvxVnniKernels,    &kAvx512Kernels,
                                                       &kAvx512VnniKernels, &kAvx512Bf16Kernels};
#else
  static const std::array<const KernelSet*, 1> sets = {&portable_kernels()};
#endif
  return sets;
}

const KernelSet& kernel_set(std::string_view name) {
  for (const KernelSet* set : all_kernel_sets()) {
    if (set->name != name) continue;
    if (set->available()) return *set;
    throw Error(ErrorKind::kArgument, "LONGSCROLL_ISA",
                "the kernel set '" + std::string(name) + "' needs " + std::string(set->description) +
                    ", which this processor lacks",
                "choose one of: " + known_names());
  }
  throw Error(ErrorKind::kArgument, "LONGSCROLL_ISA", "no kernel set is called '" + std::string(name) + "'",
              "choose one of: " + known_names());
}

const KernelSet& kernels() {
  static const KernelSet& chosen = choose();
  return chosen;
}

size_t matmul_scratch_floats(size_t m, size_t k) {
  return std::max(k, m * kStrideA + (kPanelGroup + kMaxPanel) * kBlockK);
}

size_t packed_scratch_floats(size_t m, size_t cols) {
  constexpr size_t kWide = 32;  // weight rows of the widest tile
  const size_t slice = kSliceGroups * (kGroup * kWide / 4 + 3 * kWide);
  const size_t unpacked = (kPanelRows + 1) * cols;    // of the portable set
  return std::max(slice + m * kWide, unpacked) + 16;  // and its alignment
}

size_t attention_scratch_floats(size_t rows, size_t group, size_t head_dim) {
  const size_t padded = round_up(head_dim, kMaxPanel);
  const size_t floats = kKeyBlock * (head_dim + padded)  // keys and values of a block, packed
                        + kMaxPanel * head_dim           // keys on their way into a panel
                        + kMaxRows * (kStrideQ + kStrideS) + 2 * rows;
  const size_t integers = kKeyBlock * head_dim / 2               // values, and 4-bit keys
                          + 2 * kMaxRows * kKeyBlock             // scores and weights
                          + (rows + group) * (head_dim / 2 + 4)  // queries, means
                          + rows * (head_dim + 2)                // sums
                          + group * kKeyBlock + 20 * 16;  // scores of means; each part in whole vectors
  return std::max(floats, integers);
}

}  // namespace longscroll
