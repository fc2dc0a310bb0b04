// Stored rows as vectors of floats: every format, once, over an instruction set V (see avx512.cc).
// visit_row() hands W consecutive values at a time to a sink, so that turning a row into floats and
// multiplying it by activations read it in the same way and agree to the last bit of each value.
// Layouts: dequantize.cc, the plain reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/dtype.h"

namespace longscroll {
namespace {
namespace vector_kernels {

template <class T>
inline T load_as(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// 32 values from 16 bytes of nibbles; with kFifth, bit j of `fifth_bits` is bit 4 of value j.
template <class V, bool kFifth, class Sink>
inline void visit_nibbles(const uint8_t* nibbles, uint32_t fifth_bits, typename V::F scale,
                          typename V::F offset, size_t at, Sink&& sink) {
#pragma GCC unroll 4
  for (size_t j = 0; j < 32; j += V::kWidth) {
    const size_t byte = j % 16;
    typename V::I q = V::load_bytes(nibbles + byte);
    q = j < 16 ? V::and_bits(q, 15) : V::template shift_right<4>(q);
    if constexpr (kFifth) q = V::set_bit_where(q, fifth_bits >> j, 16);
    sink(at + j, V::fma(V::to_float(q), scale, offset));
  }
}

template <class V, class Sink>
inline void visit_q8_0(const uint8_t* block, size_t at, Sink&& sink) {
  const auto scale = V::broadcast(V::half_to_float(load_as<uint16_t>(block)));
#pragma GCC unroll 4
  for (size_t j = 0; j < 32; j += V::kWidth) {
    sink(at + j, V::mul(V::to_float(V::load_signed_bytes(block + 2 + j)), scale));
  }
}

struct ScaleMin {
  float scale[8];
  float minimum[8];
};

// Eight 6-bit scales and minima in 12 bytes, times d and -dmin.
template <class V>
inline ScaleMin unpack_scale_min(const uint8_t* block) {
  const float d = V::half_to_float(load_as<uint16_t>(block));
  const float dmin = V::half_to_float(load_as<uint16_t>(block + 2));
  const auto low = load_as<uint32_t>(block + 4), middle = load_as<uint32_t>(block + 8),
             high = load_as<uint32_t>(block + 12);
  uint8_t bytes[16];
  const uint32_t words[4] = {
      low & 0x3f3f3f3fu,
      (high & 0x0f0f0f0fu) | ((low >> 6 & 0x03030303u) << 4),
      middle & 0x3f3f3f3fu,
      (high >> 4 & 0x0f0f0f0fu) | ((middle >> 6 & 0x03030303u) << 4),
  };
  std::memcpy(bytes, words, sizeof bytes);
  ScaleMin out;
  for (int i = 0; i < 8; ++i) {
    out.scale[i] = d * static_cast<float>(bytes[i]);
    out.minimum[i] = -(dmin * static_cast<float>(bytes[8 + i]));
  }
  return out;
}

template <class V, bool kFifth, class Sink>
inline void visit_k45(const uint8_t* block, size_t at, Sink&& sink) {
  const ScaleMin sm = unpack_scale_min<V>(block);
  const uint8_t* fifth = block + 16;
  const uint8_t* nibbles = block + 16 + (kFifth ? 32 : 0);
  for (int pair = 0; pair < 4; ++pair) {
    const auto scale0 = V::broadcast(sm.scale[2 * pair]), scale1 = V::broadcast(sm.scale[2 * pair + 1]);
    const auto min0 = V::broadcast(sm.minimum[2 * pair]), min1 = V::broadcast(sm.minimum[2 * pair + 1]);
#pragma GCC unroll 4
    for (size_t j = 0; j < 32; j += V::kWidth) {
      const typename V::I byte = V::load_bytes(nibbles + pair * 32 + j);
      typename V::I q0 = V::and_bits(byte, 15), q1 = V::template shift_right<4>(byte);
      if constexpr (kFifth) {
        const typename V::I bits = V::shift_right_by(V::load_bytes(fifth + j), 2 * pair);
        q0 = V::or_bits(q0, V::template shift_left<4>(V::and_bits(bits, 1)));
        q1 = V::or_bits(q1, V::template shift_left<3>(V::and_bits(bits, 2)));
      }
      sink(at + pair * 64 + j, V::fma(V::to_float(q0), scale0, min0));
      sink(at + pair * 64 + 32 + j, V::fma(V::to_float(q1), scale1, min1));
    }
  }
}

template <class V, class Sink>
inline void visit_q6_k(const uint8_t* block, size_t at, Sink&& sink) {
  const float d = V::half_to_float(load_as<uint16_t>(block + 208));
  for (size_t half = 0; half < 2; ++half) {
    const uint8_t* low = block + half * 64;
    const uint8_t* high = block + 128 + half * 32;
    const uint8_t* scales = block + 192 + half * 8;
#pragma GCC unroll 4
    for (size_t j = 0; j < 32; j += V::kWidth) {
      const typename V::I low0 = V::load_bytes(low + j), low1 = V::load_bytes(low + 32 + j);
      const typename V::I bits = V::load_bytes(high + j);
      const typename V::I q[4] = {
          V::or_bits(V::and_bits(low0, 15), V::template shift_left<4>(V::and_bits(bits, 3))),
          V::or_bits(V::and_bits(low1, 15), V::template shift_left<2>(V::and_bits(bits, 12))),
          V::or_bits(V::template shift_right<4>(low0), V::and_bits(bits, 48)),
          V::or_bits(V::template shift_right<4>(low1), V::template shift_right<2>(V::and_bits(bits, 192))),
      };
#pragma GCC unroll 4
      for (size_t part = 0; part < 4; ++part) {
        const float scale = d * static_cast<float>(static_cast<int8_t>(scales[part * 2 + j / 16]));
        sink(at + half * 128 + part * 32 + j, V::mul(V::to_float(V::sub(q[part], 32)), V::broadcast(scale)));
      }
    }
  }
}

// One block, or 32 values where a format has no blocks.
template <class V, DType kType, class Sink>
inline void visit_block(const uint8_t* block, size_t at, Sink&& sink) {
  const auto half = [](const uint8_t* p) { return V::half_to_float(load_as<uint16_t>(p)); };
  if constexpr (kType == DType::kQ4_0) {
    const float d = half(block);
    visit_nibbles<V, false>(block + 2, 0, V::broadcast(d), V::broadcast(-8.0f * d), at, sink);
  } else if constexpr (kType == DType::kQ4_1) {
    visit_nibbles<V, false>(block + 4, 0, V::broadcast(half(block)), V::broadcast(half(block + 2)), at, sink);
  } else if constexpr (kType == DType::kQ5_0) {
    const float d = half(block);
    visit_nibbles<V, true>(block + 6, load_as<uint32_t>(block + 2), V::broadcast(d), V::broadcast(-16.0f * d),
                           at, sink);
  } else if constexpr (kType == DType::kQ5_1) {
    visit_nibbles<V, true>(block + 8, load_as<uint32_t>(block + 4), V::broadcast(half(block)),
                           V::broadcast(half(block + 2)), at, sink);
  } else if constexpr (kType == DType::kQ8_0) {
    visit_q8_0<V>(block, at, sink);
  } else if constexpr (kType == DType::kQ4_K) {
    visit_k45<V, false>(block, at, sink);
  } else if constexpr (kType == DType::kQ5_K) {
    visit_k45<V, true>(block, at, sink);
  } else if constexpr (kType == DType::kQ6_K) {
    visit_q6_k<V>(block, at, sink);
  } else {
#pragma GCC unroll 4
    for (size_t j = 0; j < 32; j += V::kWidth) {
      if constexpr (kType == DType::kF32) sink(at + j, V::load(reinterpret_cast<const float*>(block) + j));
      if constexpr (kType == DType::kF16) sink(at + j, V::load_half(block + 2 * j));
      if constexpr (kType == DType::kBF16) sink(at + j, V::load_bfloat(block + 2 * j));
    }
  }
}

template <DType kType>
inline constexpr bool kHasBlocks = kType != DType::kF32 && kType != DType::kF16 && kType != DType::kBF16;

template <DType kType>
inline constexpr size_t kStepElems =
    kType == DType::kQ4_K || kType == DType::kQ5_K || kType == DType::kQ6_K ? 256 : 32;

template <DType kType>
inline size_t step_bytes() {
  const DTypeInfo& info = dtype_info(kType);
  return kHasBlocks<kType> ? info.block_bytes : 32 * info.block_bytes;
}

// Calls f<kType>() for the run-time type.
template <class F>
inline decltype(auto) with_type(DType type, F&& f) {
  switch (type) {
    case DType::kF32:
      return f.template operator()<DType::kF32>();
    case DType::kF16:
      return f.template operator()<DType::kF16>();
    case DType::kBF16:
      return f.template operator()<DType::kBF16>();
    case DType::kQ4_0:
      return f.template operator()<DType::kQ4_0>();
    case DType::kQ4_1:
      return f.template operator()<DType::kQ4_1>();
    case DType::kQ5_0:
      return f.template operator()<DType::kQ5_0>();
    case DType::kQ5_1:
      return f.template operator()<DType::kQ5_1>();
    case DType::kQ8_0:
      return f.template operator()<DType::kQ8_0>();
    case DType::kQ4_K:
      return f.template operator()<DType::kQ4_K>();
    case DType::kQ5_K:
      return f.template operator()<DType::kQ5_K>();
    default:
      return f.template operator()<DType::kQ6_K>();
  }
}

}  // namespace vector_kernels
}  // namespace
}  // namespace longscroll
