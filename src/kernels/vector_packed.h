// Products of packed weights over an instruction set D of integers: bytes times bytes, summed by fours into
// 32-bit lanes, a lane for each weight row. Few rows of activations read the panels as they are stored; many
// rows share one unpacking of a slice of K to plain bytes, in register tiles.
//
// D gives: I, F, kLanes (16 or 8), kTilePanels (panels side by side in a tile), kTileRows, and
//   dot4(acc, codes, acts)   acc + four products of unsigned codes and signed acts in each lane
// or, where no instruction does that,
//   pairs(codes, acts)       sums of two such products in 16 bits
//   add_pairs(sums, codes, acts)    sums + pairs
//   widen(sums)              sums of two neighbours in 32 bits
//   dot4_signed(acc, codes, acts)   as dot4 with signed codes
// Codes of up to 6 bits then stay as they are, since a few products of them fit 16 bits; 8-bit codes become
// signed.
// Letters as in packed.h. "Vector" v of a tile: kLanes weight rows.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "kernels/kernels.h"
#include "kernels/vector_sizes.h"

namespace longscroll {
namespace {
namespace vector_kernels {

template <class D>
inline constexpr size_t kParts = kPanelRows / D::kLanes;  // vectors of a panel

template <class D>
inline constexpr size_t kTileVectors = D::kTilePanels * kParts<D>;

template <class D>
concept DotsBytes = requires(typename D::I x) { D::dot4(x, x, x); };

template <class D>
void quantize_group(const float* x, size_t g, const QuantizedRows& to) {
  const float scale = D::largest_magnitude(x) / 127.0f;
  const float inverse = scale > kTiniestScale ? 1.0f / scale : 0.0f;
  int32_t halves[2];
  D::round_group(x, inverse, to.codes + g * kGroup, halves);
  to.scales[g] = scale;
  to.sums[g] = scale * static_cast<float>(halves[0] + halves[1]);
  to.biases[g] = -128 * (halves[0] + halves[1]);
  to.half_biases[2 * g] = -128 * halves[0];
  to.half_biases[2 * g + 1] = -128 * halves[1];
}

template <class D>
void quantize_rows(const float* x, size_t stride, size_t row, size_t m, const QuantizedRows& out) {
  for (size_t i = 0; i < m; ++i, ++row, x += stride) {
    const QuantizedRows to = out.from(row);
    for (size_t g = 0; g < out.cols / kGroup; ++g) quantize_group<D>(x + g * kGroup, g, to);
  }
}

template <class D>
void quantize_rest(const float* x, size_t row, const uint8_t* refined, size_t rest,
                   const QuantizedRows& out) {
  const QuantizedRows whole = out.from(row), left = out.from(row + rest);
  for (size_t g = 0; g < out.cols / kGroup; ++g) {
    if (refined[g] == 0) continue;
    float remains[kGroup];
    const auto scale = D::broadcast(-whole.scales[g]);
    for (size_t j = 0; j < kGroup; j += D::kWidth) {
      const auto* codes = reinterpret_cast<const uint8_t*>(whole.codes + g * kGroup + j);
      D::store(remains + j,
               D::fma(D::to_float(D::load_signed_bytes(codes)), scale, D::load(x + g * kGroup + j)));
    }
    quantize_group<D>(remains, g, left);
  }
}

// The codes of one step (four columns) of vector `part` of a group.
template <class D, int kBits>
typename D::I step_codes(const uint8_t* codes, size_t step, size_t part) {
  constexpr size_t kVectorBytes = 4 * D::kLanes;
  if constexpr (kBits == 8) return D::load_codes(codes + step * 64 + part * kVectorBytes);
  const auto bytes = D::load_codes(codes + step % 4 * 64 + part * kVectorBytes);
  auto low = step < 4 ? D::low_nibbles(bytes) : D::high_nibbles(bytes);
  for (int bit = 4; bit < kBits; ++bit) {
    const uint8_t* plane = codes + 256 + (bit - 4) * 64 + step * 8 + part * kVectorBytes / 8;
    low = D::add_plane(low, plane, static_cast<uint8_t>(1 << bit));
  }
  return low;
}

template <class D>
struct GroupScales {
  typename D::F scale[2];  // kSuperScale: one for each 16 columns; otherwise the first
  typename D::F minimum;
};

template <class D, ScaleKind kKind>
GroupScales<D> group_scales(const uint8_t* header, const uint8_t* scales, size_t part) {
  const size_t lane = part * D::kLanes;
  GroupScales<D> out{};
  if constexpr (kKind == ScaleKind::kScale || kKind == ScaleKind::kScaleMin) {
    out.scale[0] = D::half_lanes(scales + 2 * lane);
    if constexpr (kKind == ScaleKind::kScaleMin) out.minimum = D::half_lanes(scales + 32 + 2 * lane);
  } else if constexpr (kKind == ScaleKind::kSuperScaleMin) {
    out.scale[0] = D::mul(D::half_lanes(header + 2 * lane), D::byte_lanes(scales + lane));
    out.minimum = D::negate(D::mul(D::half_lanes(header + 32 + 2 * lane), D::byte_lanes(scales + 16 + lane)));
  } else {
    const auto d = D::half_lanes(header + 2 * lane);
    out.scale[0] = D::mul(d, D::signed_byte_lanes(scales + lane));
    out.scale[1] = D::mul(d, D::signed_byte_lanes(scales + 16 + lane));
  }
  return out;
}

template <ScaleKind kKind>
inline constexpr bool kHasMinimum = kKind == ScaleKind::kScaleMin || kKind == ScaleKind::kSuperScaleMin;
template <ScaleKind kKind>
inline constexpr bool kHasHalves = kKind == ScaleKind::kSuperScale;

// What codes of an instruction set without dot4 count from where they are multiplied.
template <int kBits, ScaleKind kKind>
inline constexpr int kNarrowZero = kHasMinimum<kKind> || kBits == 8 ? 0 : 1 << (kBits - 1);

// acc is what the codes, which count from `zero`, made with activations; biases make it count from zero.
inline int32_t zero_bias(int32_t bias, int zero) {
  return bias / 128 * zero;
}

// acc[r][v] += the products of steps [first, last); codes(step, v) and acts(r, step) give the operands.
template <class D, int kBits, size_t kRows, size_t kVectors, class Codes, class Acts>
inline void add_products(typename D::I (&acc)[kRows][kVectors], size_t first, size_t last, const Codes& codes,
                         const Acts& acts) {
  constexpr bool kIn32 = DotsBytes<D> || kBits == 8;
  // Steps whose sums fit 16 bits: activations are at most 127.
  constexpr size_t kFit = kIn32 ? 1 : 32767 / (((1 << kBits) - 1) * 2 * 127);
  constexpr size_t kRun = std::min(std::bit_floor(kFit), kSteps);
#pragma GCC unroll 8
  for (size_t begin = first; begin < last; begin += kRun) {
    [[maybe_unused]] typename D::I run[kRows][kVectors];
#pragma GCC unroll 8
    for (size_t step = begin; step < begin + kRun; ++step) {
      typename D::I w[kVectors];
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) w[v] = codes(step, v);
#pragma GCC unroll 8
      for (size_t r = 0; r < kRows; ++r) {
        const auto x = acts(r, step);
#pragma GCC unroll 8
        for (size_t v = 0; v < kVectors; ++v) {
          if constexpr (DotsBytes<D>) {
            acc[r][v] = D::dot4(acc[r][v], w[v], x);
          } else if constexpr (kBits == 8) {
            acc[r][v] = D::dot4_signed(acc[r][v], w[v], x);
          } else {
            run[r][v] = step == begin ? D::pairs(w[v], x) : D::add_pairs(run[r][v], w[v], x);
          }
        }
      }
    }
    if constexpr (!kIn32) {
#pragma GCC unroll 8
      for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (size_t v = 0; v < kVectors; ++v) acc[r][v] = D::add_ints(acc[r][v], D::widen(run[r][v]));
      }
    }
  }
}

// ---- Few rows: kRows rows of activations by a panel, straight from the packed codes. Memory is read in one
// stream: a sixth faster than four panels side by side. ----

// sums[r][v] += the products of group g, which lies at `group` in `super`, with rows of `a`.
template <class D, int kBits, ScaleKind kKind, size_t kRows>
[[gnu::always_inline]] inline void add_group(const PackedFormat& format, const uint8_t* super,
                                             const uint8_t* group, const QuantizedRows& a, size_t g,
                                             typename D::F (&sums)[kRows][kParts<D>]) {
  constexpr size_t kVectors = kParts<D>;
  const size_t groups = a.cols / kGroup;
  const int zero = DotsBytes<D> ? format.zero : kNarrowZero<kBits, kKind>;
  const int8_t* acts = a.codes + g * kGroup;
  typename D::I acc[2][kRows][kVectors];
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r) {
    const int32_t* halves = a.half_biases + 2 * (r * groups + g);
    const int32_t whole = a.biases[r * groups + g];
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) {
      acc[0][r][v] = D::broadcast_int(zero_bias(kHasHalves<kKind> ? halves[0] : whole, zero));
      if constexpr (kHasHalves<kKind>) acc[1][r][v] = D::broadcast_int(zero_bias(halves[1], zero));
    }
  }
  const auto codes = [&](size_t step, size_t v) {
    const auto stored = step_codes<D, kBits>(group + format.scale_bytes(), step, v);
    return DotsBytes<D> || kBits < 8 ? stored : D::add_bytes(stored, D::broadcast_byte(128));
  };
  const auto x = [&](size_t r, size_t step) { return D::broadcast4(acts + r * a.cols + 4 * step); };
  if constexpr (kHasHalves<kKind>) {
    add_products<D, kBits>(acc[0], 0, 4, codes, x);
    add_products<D, kBits>(acc[1], 4, 8, codes, x);
  } else {
    add_products<D, kBits>(acc[0], 0, 8, codes, x);
  }
#pragma GCC unroll 8
  for (size_t v = 0; v < kVectors; ++v) {
    const auto s = group_scales<D, kKind>(super, group, v);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
      auto product = D::mul(D::to_float(acc[0][r][v]), s.scale[0]);
      if constexpr (kHasHalves<kKind>) product = D::fma(D::to_float(acc[1][r][v]), s.scale[1], product);
      sums[r][v] = D::fma(product, D::broadcast(a.scales[r * groups + g]), sums[r][v]);
      if constexpr (kHasMinimum<kKind>)
        sums[r][v] = D::fma(s.minimum, D::broadcast(a.sums[r * groups + g]), sums[r][v]);
    }
  }
}

template <class D, int kBits, ScaleKind kKind, size_t kRows>
void packed_few(const PackedMatmulArgs& args, const uint8_t* panel, float* out) {
  const PackedFormat& format = args.format;
  typename D::F sums[kRows][kParts<D>];
  for (auto& row : sums) std::fill_n(row, kParts<D>, D::zero());
  const size_t groups = args.a.cols / kGroup;
  size_t g = 0;
  for (const uint8_t* super = panel; g < groups; super += format.super_bytes()) {
    const uint8_t* group = super + format.header_bytes();
    for (size_t i = 0; i < format.groups_per_super; ++i, ++g, group += format.group_bytes())
      add_group<D, kBits, kKind, kRows>(format, super, group, args.a, g, sums);
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kParts<D>; ++v) D::store(out + r * kPanelRows + v * D::kLanes, sums[r][v]);
  }
}

// out += the products of what row m's refined groups left: each row has groups of its own.
template <class D, int kBits, ScaleKind kKind>
void packed_few_rest(const PackedMatmulArgs& args, const uint8_t* panel, size_t m, float* out) {
  const PackedFormat& format = args.format;
  const size_t groups = args.a.cols / kGroup;
  const uint8_t* refined = args.refined + m * groups;
  const QuantizedRows left = args.a.from(m + args.rest);
  typename D::F sums[1][kParts<D>];
  for (size_t v = 0; v < kParts<D>; ++v) sums[0][v] = D::load(out + v * D::kLanes);
  for (size_t g = 0; g < groups; ++g) {
    if (refined[g] == 0) continue;
    const uint8_t* super = panel + g / format.groups_per_super * format.super_bytes();
    const uint8_t* group = super + format.header_bytes() + g % format.groups_per_super * format.group_bytes();
    add_group<D, kBits, kKind, 1>(format, super, group, left, g, sums);
  }
  for (size_t v = 0; v < kParts<D>; ++v) D::store(out + v * D::kLanes, sums[0][v]);
}

inline void put_columns(const PackedMatmulArgs& args, const float* from, size_t from_stride, size_t rows,
                        size_t n, size_t count) {
  const size_t columns = std::min(count, args.n - n);
  for (size_t r = 0; r < rows; ++r) {
    float* to = args.out + r * args.out_stride + n;
    for (size_t j = 0; j < columns; ++j)
      to[j] = (args.bias != nullptr ? args.bias[n + j] : 0.0f) + from[r * from_stride + j];
  }
}

template <class D, int kBits, ScaleKind kKind, size_t kRows>
void packed_few_rows(const PackedMatmulArgs& args) {
  const size_t panel_bytes = packed_panel_bytes(args.format, args.a.cols);
  alignas(64) float room[kRows * kPanelRows];
  for (size_t p = 0; p < packed_panels(args.n); ++p) {
    const uint8_t* panel = args.panels + p * panel_bytes;
    packed_few<D, kBits, kKind, kRows>(args, panel, room);
    for (size_t r = 0; args.refined != nullptr && r < kRows; ++r)
      packed_few_rest<D, kBits, kKind>(args, panel, r, room + r * kPanelRows);
    put_columns(args, room, kPanelRows, kRows, p * kPanelRows, kPanelRows);
  }
}

// ---- Many rows: a slice of K of kTilePanels panels as plain bytes, shared by all rows; for dot4 raised by
// 128. ----

// Room for one slice, in the order in which a tile reads it.
template <class D>
struct Slice {
  static constexpr size_t kRowsWide = D::kTilePanels * kPanelRows;
  alignas(64) uint8_t codes[kSliceGroups][kSteps][kRowsWide * 4];
  alignas(64) float scales[kSliceGroups][2][kRowsWide];
  alignas(64) float minima[kSliceGroups][kRowsWide];
};

template <class D, int kBits, ScaleKind kKind>
void unpack_slice(const PackedFormat& format, const uint8_t* panel, size_t first_group, size_t groups,
                  size_t column, Slice<D>& slice) {
  const int raised = DotsBytes<D> ? 128 - format.zero : kBits == 8 ? 128 : 0;
  const auto raise = D::broadcast_byte(static_cast<uint8_t>(raised));
  for (size_t i = 0; i < groups; ++i) {
    const size_t g = first_group + i;
    const uint8_t* header = panel + g / format.groups_per_super * format.super_bytes();
    const uint8_t* group =
        header + format.header_bytes() + g % format.groups_per_super * format.group_bytes();
    for (size_t part = 0; part < kParts<D>; ++part) {
      const size_t lane = column + part * D::kLanes;
#pragma GCC unroll 8
      for (size_t step = 0; step < kSteps; ++step) {
        const auto codes = step_codes<D, kBits>(group + format.scale_bytes(), step, part);
        D::store_codes(&slice.codes[i][step][lane * 4], D::add_bytes(codes, raise));
      }
      const auto s = group_scales<D, kKind>(header, group, part);
      D::store(&slice.scales[i][0][lane], s.scale[0]);
      if constexpr (kHasHalves<kKind>) D::store(&slice.scales[i][1][lane], s.scale[1]);
      if constexpr (kHasMinimum<kKind>) D::store(&slice.minima[i][lane], s.minimum);
    }
  }
}

// Groups of a slice by their place in it: all of them, then those whose rest is multiplied too.
struct SliceGroups {
  struct Pass {
    size_t row = 0;  // from a tile's rows to those that this pass multiplies
    size_t count = 0;
    uint8_t which[kSliceGroups] = {};

    void add(size_t i) { which[count++] = static_cast<uint8_t>(i); }
  };
  size_t first = 0;  // the slice's first group
  Pass passes[2];
};

// sums += the minima of group g's weights times the sums of its activations.
template <class D, size_t kRows, size_t kV>
void add_minima(const QuantizedRows& a, size_t g, const float* minima, typename D::F (&sums)[kRows][kV]) {
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r) {
    const auto sum = D::broadcast(a.sums[r * (a.cols / kGroup) + g]);
    for (size_t v = 0; v < kV; ++v) sums[r][v] = D::fma(D::load(minima + v * D::kLanes), sum, sums[r][v]);
  }
}

// sums_RN += the slice's part of the products of kRows rows, [kRows][kRowsWide].
template <class D, int kBits, ScaleKind kKind, size_t kRows>
void packed_tile(const Slice<D>& slice, const QuantizedRows& tile, const SliceGroups& groups,
                 float* sums_RN) {
  constexpr size_t kV = kTileVectors<D>, kL = D::kLanes, kWide = Slice<D>::kRowsWide;
  const size_t all_groups = tile.cols / kGroup;
  typename D::F sums[kRows][kV];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kV; ++v) sums[r][v] = D::load(sums_RN + r * kWide + v * kL);
  }
  for (const SliceGroups::Pass& pass : groups.passes) {
    const QuantizedRows a = tile.from(pass.row);
    for (size_t at = 0; at < pass.count; ++at) {
      const size_t i = pass.which[at], g = groups.first + i;
      typename D::I acc[kRows][kV];
      const auto multiply = [&](size_t first_step, size_t last_step) {
        add_products<D, kBits>(
            acc, first_step, last_step,
            [&](size_t step, size_t v) { return D::load_codes(&slice.codes[i][step][v * kL * 4]); },
            [&](size_t r, size_t step) {
              return D::broadcast4(a.codes + r * a.cols + g * kGroup + 4 * step);
            });
      };
      const auto scale = [&](const float* scales) {
#pragma GCC unroll 8
        for (size_t r = 0; r < kRows; ++r) {
          const auto factor = D::broadcast(a.scales[r * all_groups + g]);
#pragma GCC unroll 4
          for (size_t v = 0; v < kV; ++v)
            sums[r][v] = D::fma(D::to_float(acc[r][v]), D::mul(D::load(scales + v * kL), factor), sums[r][v]);
        }
      };
      const auto start = [&](const int32_t* biases, size_t stride) {
#pragma GCC unroll 8
        for (size_t r = 0; r < kRows; ++r) {
          int32_t bias = biases[r * stride];
          if constexpr (!DotsBytes<D>) bias = zero_bias(bias, kNarrowZero<kBits, kKind>);
          for (size_t v = 0; v < kV; ++v) acc[r][v] = D::broadcast_int(bias);
        }
      };
      if constexpr (kHasHalves<kKind>) {
        for (size_t half = 0; half < 2; ++half) {
          start(a.half_biases + 2 * g + half, 2 * all_groups);
          multiply(4 * half, 4 * half + 4);
          scale(slice.scales[i][half]);
        }
      } else {
        start(a.biases + g, all_groups);
        multiply(0, kSteps);
        scale(slice.scales[i][0]);
      }
      if constexpr (kHasMinimum<kKind>) add_minima<D>(a, g, slice.minima[i], sums);
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kV; ++v) D::store(sums_RN + r * kWide + v * kL, sums[r][v]);
  }
}

template <class D>
using PackedTileFn = void (*)(const Slice<D>&, const QuantizedRows&, const SliceGroups&, float*);

template <class D, int kBits, ScaleKind kKind>
PackedTileFn<D> packed_tile_of(size_t rows) {
  constexpr int kTileBits = DotsBytes<D> ? 8 : kBits;  // dot4 makes no difference between them
  static constexpr auto table = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<PackedTileFn<D>, sizeof...(I)>{&packed_tile<D, kTileBits, kKind, I + 1>...};
  }(std::make_index_sequence<D::kTileRows>());
  return table[rows - 1];
}

template <class D, int kBits, ScaleKind kKind>
void packed_many_rows(const PackedMatmulArgs& args) {
  const size_t groups = args.a.cols / kGroup, panels = packed_panels(args.n);
  const size_t panel_bytes = packed_panel_bytes(args.format, args.a.cols);
  constexpr size_t kWide = Slice<D>::kRowsWide;
  auto& slice = *reinterpret_cast<Slice<D>*>(align_64(args.scratch));
  // Rows side by side: those of `out` lie so far apart that they would share a few sets of the cache.
  float* sums = reinterpret_cast<float*>(&slice + 1);
  for (size_t p = 0; p < panels; p += D::kTilePanels) {
    const size_t side_by_side = std::min(D::kTilePanels, panels - p);
    std::fill_n(sums, args.m * kWide, 0.0f);
    for (size_t g = 0; g < groups; g += kSliceGroups) {
      const size_t count = std::min(kSliceGroups, groups - g);
      for (size_t i = 0; i < side_by_side; ++i) {
        unpack_slice<D, kBits, kKind>(args.format, args.panels + (p + i) * panel_bytes, g, count,
                                      i * kPanelRows, slice);
      }
      SliceGroups all{g, {}};
      all.passes[1].row = args.rest;
      for (size_t i = 0; i < count; ++i) {
        all.passes[0].add(i);
        if (args.refined != nullptr && args.refined[g + i] != 0) all.passes[1].add(i);
      }
      for (size_t m = 0; m < args.m; m += D::kTileRows) {
        const size_t rows = std::min(D::kTileRows, args.m - m);
        packed_tile_of<D, kBits, kKind>(rows)(slice, args.a.from(m), all, sums + m * kWide);
      }
    }
    put_columns(args, sums, kWide, args.m, p * kPanelRows, kWide);
  }
}

template <class D, int kBits, ScaleKind kKind>
void matmul_packed_of(const PackedMatmulArgs& args) {
  using Fn = void (*)(const PackedMatmulArgs&);
  static constexpr auto few = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<Fn, sizeof...(I)>{&packed_few_rows<D, kBits, kKind, I + 1>...};
  }(std::make_index_sequence<kFewTokens>());
  if (args.m <= kFewTokens) return few[args.m - 1](args);
  packed_many_rows<D, kBits, kKind>(args);
}

template <class D>
void matmul_packed(const PackedMatmulArgs& args) {
  if (args.m == 0 || args.n == 0) return;
  const int bits = args.format.bits;
  switch (args.format.scales) {
    case ScaleKind::kScale:
      if (bits == 4) return matmul_packed_of<D, 4, ScaleKind::kScale>(args);
      if (bits == 5) return matmul_packed_of<D, 5, ScaleKind::kScale>(args);
      return matmul_packed_of<D, 8, ScaleKind::kScale>(args);
    case ScaleKind::kScaleMin:
      if (bits == 4) return matmul_packed_of<D, 4, ScaleKind::kScaleMin>(args);
      return matmul_packed_of<D, 5, ScaleKind::kScaleMin>(args);
    case ScaleKind::kSuperScaleMin:
      if (bits == 4) return matmul_packed_of<D, 4, ScaleKind::kSuperScaleMin>(args);
      return matmul_packed_of<D, 5, ScaleKind::kSuperScaleMin>(args);
    case ScaleKind::kSuperScale:
      return matmul_packed_of<D, 6, ScaleKind::kSuperScale>(args);
  }
}

}  // namespace vector_kernels
}  // namespace
}  // namespace longscroll
