// Quantised weights as the integer kernels read them: panels of 16 weight rows, groups of 32 columns,
// four columns of one row in each 32-bit lane, so that one instruction multiplies 16 rows by the same
// four activations. Made once when a model is loaded; every value of the GGUF block formats is kept.
//
// Letters: N = weight rows (output width), K = columns (input width), M = rows of activations (tokens),
//          G = K / 32 groups.
//
// A panel is [G / groups_per_super] supers; a super is its header and its groups; a group of 512 codes:
//   scales   by ScaleKind, 16 lanes each
//   nibbles  256 bytes: byte [step][row][i], step < 4, low half column 4·step + i, high half 16 columns on;
//            for 8-bit codes 512 bytes: byte [step][row][i], step < 8, column 4·step + i
//   planes   a bit a code more for each of them: 64 bits for each step < 8, in the order of its 64 bytes
// docs/formats/packed-weights.md draws it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/dtype.h"

namespace longscroll {

inline constexpr size_t kPanelRows = 16;
inline constexpr size_t kGroup = 32;
inline constexpr size_t kSteps = kGroup / 4;

enum class ScaleKind : uint8_t {
  kScale,          // f16 scale[16]
  kScaleMin,       // f16 scale[16], f16 minimum[16]
  kSuperScaleMin,  // header f16 d[16], f16 dmin[16]; a group u8 scale[16], u8 minimum[16]
  kSuperScale,     // header f16 d[16]; a group s8 scale[2][16], one for each 16 columns
};

// value = scale · (code - zero) + minimum, where the minimum of a super is stored with its sign turned.
struct PackedFormat {
  ScaleKind scales;
  int bits;  // of a code: 4, 5, 6 or 8
  int zero;
  size_t groups_per_super;

  constexpr size_t scale_bytes() const { return scales == ScaleKind::kScaleMin ? 64 : 32; }
  constexpr size_t header_bytes() const {
    return scales == ScaleKind::kSuperScaleMin ? 64 : scales == ScaleKind::kSuperScale ? 32 : 0;
  }
  constexpr size_t group_bytes() const { return scale_bytes() + static_cast<size_t>(bits) * 64; }
  constexpr size_t super_bytes() const { return header_bytes() + groups_per_super * group_bytes(); }
};

// nullopt: rows of this type, or of this width, are multiplied as floats.
std::optional<PackedFormat> packed_format(DType type, size_t cols);

size_t packed_panel_bytes(const PackedFormat& format, size_t cols);
size_t packed_panels(size_t rows);

// Rows [16·panel, …) of a stored matrix into `out`, packed_panel_bytes() long; rows past the end are zero.
void pack_panel(DType type, const void* w, size_t w_row_bytes, size_t rows, size_t cols, size_t panel,
                uint8_t* out);

// A packed panel to floats, [16][cols]: the layout's definition and the portable kernels' way to read it.
void unpack_panel(const PackedFormat& format, const uint8_t* panel, size_t cols, float* out);

// M rows of activations, each group of 32 rounded to signed bytes with a scale of its own.
struct QuantizedRows {
  int8_t* codes = nullptr;         // [M][K]
  float* scales = nullptr;         // [M][G]
  float* sums = nullptr;           // [M][G] scale · sum of codes
  int32_t* biases = nullptr;       // [M][G] -128 · sum of codes: what codes raised by 128 add to a product
  int32_t* half_biases = nullptr;  // [M][2·G] the same for each 16 columns
  size_t cols = 0;                 // K

  QuantizedRows from(size_t row) const {
    const size_t groups = cols / kGroup;
    return {codes + row * cols,    scales + row * groups,          sums + row * groups,
            biases + row * groups, half_biases + row * 2 * groups, cols};
  }
};

// out_MN = a_MK · transpose(w_NK) + bias_N over whole panels: rows [16·first_panel, …) of the weights.
struct PackedMatmulArgs {
  QuantizedRows a;
  // Groups of which what the rounding left, rounded in its turn, is multiplied too: 16 bits in all. It is row
  // m + rest of `a`. [M][G] for M <= kFewTokens, whose rows may not depend on each other, else [G]; null:
  // none.
  const uint8_t* refined = nullptr;
  size_t rest = 0;
  size_t m = 0;
  const uint8_t* panels = nullptr;  // the first of the panels wanted
  PackedFormat format{};
  size_t n = 0;                 // weight rows; the last panel may be cut
  const float* bias = nullptr;  // [n] or null
  float* out = nullptr;
  size_t out_stride = 0;
  float* scratch = nullptr;  // packed_scratch_floats(m, K) floats, of this thread alone
};

size_t packed_scratch_floats(size_t m, size_t cols);

}  // namespace longscroll
