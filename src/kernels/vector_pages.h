// Quantised pages over an instruction set V: keys and values to floats, whole vectors at a time, and
// attention of a few rows straight over the codes, which are then read once and never written as floats.
//
// Letters as in kernels.h; a key's layout is kv_page.h's: four dimensions of sixteen keys in 64 bytes.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/vector_matmul.h"
#include "kernels/vector_sizes.h"
#include "kernels/vector_softmax.h"

namespace longscroll {
namespace {
namespace vector_kernels {

constexpr size_t kPageLanes = 16;    // keys that share a step
constexpr size_t kFewCodeRows = 4;   // rows that share a reading of the codes
constexpr size_t kFewCodeHeads = 8;  // of a group: reading codes again costs less than floats in memory

// Field kIndex of kBits bits in each 32-bit lane, as a signed number.
template <class V, int kBits, int kIndex>
typename V::F signed_field(typename V::I x) {
  constexpr int kAbove = 32 - kBits * (kIndex + 1);
  if constexpr (kAbove > 0) x = V::template shift_left<kAbove>(x);
  return V::to_float(V::template shift_right_signed<32 - kBits>(x));
}

// Calls f<kCode>() for the codes that a page holds.
template <class F>
decltype(auto) with_codes(KvCode code, F&& f) {
  if (code == KvCode::kQ8) return f.template operator()<KvCode::kQ8>();
  return f.template operator()<KvCode::kQ4>();
}

// Hands sink<h mod 4>(h, codes) every dimension h of V::kWidth keys, `keys` being a lane of step 0.
template <class V, KvCode kCode, class Sink>
inline void visit_keys(const uint8_t* keys, size_t dim, const Sink& sink) {
  if constexpr (kCode == KvCode::kQ8) {
    for (size_t h = 0; h < dim; h += 4, keys += 4 * kPageLanes) {
      const auto x = V::flip_bits(V::load_words(keys), 0x80808080u);  // raised by 128 to signed
      [&]<size_t... I>(std::index_sequence<I...>) {
        (sink.template operator()<I>(h + I, signed_field<V, 8, I>(x)), ...);
      }(std::make_index_sequence<4>());
    }
  } else {
    for (size_t h = 0; h < dim / 2; h += 4, keys += 4 * kPageLanes) {
      const auto x = V::flip_bits(V::load_words(keys), 0x88888888u);
      [&]<size_t... I>(std::index_sequence<I...>) {
        (sink.template operator()<I>(h + I, signed_field<V, 4, 2 * I>(x)), ...);
        (sink.template operator()<I>(h + I + dim / 2, signed_field<V, 4, 2 * I + 1>(x)), ...);
      }(std::make_index_sequence<4>());
    }
  }
}

// Where lane `slot` of a page's keys starts.
template <KvCode kCode>
const uint8_t* key_lane(const uint8_t* page, size_t dim, size_t slot) {
  const size_t steps = dim / (kCode == KvCode::kQ8 ? 4 : 8);
  return page + (slot / kPageLanes * steps * kPageLanes + slot % kPageLanes) * 4;
}

// A pair of vectors of a value: pair p is dimensions [at, at + kWidth) and the same 16 further.
template <class V>
constexpr size_t pair_at(size_t p) {
  constexpr size_t kInUnit = 16 / V::kWidth;
  return p / kInUnit * 32 + p % kInUnit * V::kWidth;
}

template <class V, KvCode kCode>
std::array<typename V::F, 2> value_pair(const uint8_t* value, size_t p) {
  const size_t at = pair_at<V>(p);
  if constexpr (kCode == KvCode::kQ8) {
    return {V::to_float(V::load_signed_bytes(value + at)),
            V::to_float(V::load_signed_bytes(value + at + 16))};
  } else {
    const auto x = V::load_bytes(value + at / 32 * 16 + at % 32);
    return {V::to_float(V::sub(V::and_bits(x, 15), 8)),
            V::to_float(V::sub(V::template shift_right<4>(x), 8))};
  }
}

template <KvCode kCode>
size_t value_bytes(size_t dim) {
  return kCode == KvCode::kQ8 ? dim : dim / 2;
}

// Scales of the keys or values from `position` to its page's end.
inline const float* scales_at(const AttentionArgs& args, size_t scales, size_t position) {
  return reinterpret_cast<const float*>(args.page(position) + scales) + position % kPageKeys;
}

// What the keys of the page of `position` are kept less.
inline const float* center_of(const AttentionArgs& args, size_t position) {
  static constexpr float kNone[kMaxHeadDim] = {};
  if (!args.kv.centered) return kNone;
  return reinterpret_cast<const float*>(args.page(position) + args.kv.center());
}

// ---- Floats of a block, for register tiles. ----

// Keys [t0, t0 + count) rounded up to whole panels into [block / panel][H][panel]. t0 starts a page.
template <class V, KvCode kCode>
void unpack_keys(const AttentionArgs& args, size_t t0, size_t count, float* panels) {
  const size_t dim = args.kv.head_dim;
  for (size_t t = 0; t < count; t += V::kWidth) {
    const size_t slot = (t0 + t) % kPageKeys;
    const auto scale = V::load(scales_at(args, args.kv.key_scales(), t0 + t));
    const float* center = center_of(args, t0 + t);
    float* panel = panels + t / V::kPanel * V::kPanel * dim + t % V::kPanel;
    visit_keys<V, kCode>(key_lane<kCode>(args.page(t0 + t), dim, slot), dim,
                         [=]<size_t>(size_t h, typename V::F codes) {
                           V::store(panel + h * V::kPanel, V::fma(codes, scale, V::broadcast(center[h])));
                         });
  }
}

// Values [t0, t0 + count) into [ceil(H / panel)][count][panel].
template <class V, KvCode kCode>
void unpack_values(const AttentionArgs& args, size_t t0, size_t count, float* panels) {
  const size_t dim = args.kv.head_dim;
  for (size_t t = 0; t < count; ++t) {
    const uint8_t* value =
        args.page(t0 + t) + args.kv.values() + (t0 + t) % kPageKeys * value_bytes<kCode>(dim);
    const auto scale = V::broadcast(*scales_at(args, args.kv.value_scales(), t0 + t));
    for (size_t p = 0; p < dim / (2 * V::kWidth); ++p) {
      const auto codes = value_pair<V, kCode>(value, p);
      for (size_t i = 0; i < 2; ++i) {
        const size_t h = pair_at<V>(p) + 16 * i;
        V::store(panels + (h / V::kPanel * count + t) * V::kPanel + h % V::kPanel, V::mul(codes[i], scale));
      }
    }
  }
}

// ---- A few rows straight over the codes. ----

// scores[r][t] = q of row m + r times key t0 + t, for `count` keys rounded up to whole vectors.
template <class V, KvCode kCode, size_t kRows>
void score_codes(const AttentionArgs& args, size_t m, size_t t0, size_t count, float (*scores)[kKeyBlock]) {
  // Sums that need not wait for each other; as many for any number of rows, so that a row's do not depend on
  // it.
  constexpr size_t kChains = 2;
  const size_t dim = args.kv.head_dim;
  const float* q[kRows];
  float centers[kRows] = {};  // what a row makes with the page's center
  for (size_t r = 0; r < kRows; ++r) q[r] = args.query(m + r);
  for (size_t t = 0; t < count; t += V::kWidth) {
    if (args.kv.centered && t % kPageKeys == 0) {
      const auto* center = reinterpret_cast<const uint8_t*>(center_of(args, t0 + t));
      for (size_t r = 0; r < kRows; ++r) centers[r] = dot_row<V, DType::kF32>(center, q[r], dim);
    }
    typename V::F sums[kRows][kChains];
    for (auto& row : sums) std::fill_n(row, kChains, V::zero());
    visit_keys<V, kCode>(key_lane<kCode>(args.page(t0 + t), dim, (t0 + t) % kPageKeys), dim,
                         [&sums, &q]<size_t kStep>(size_t h, typename V::F codes) {
#pragma GCC unroll 4
                           for (size_t r = 0; r < kRows; ++r) {
                             auto& sum = sums[r][kStep % kChains];
                             sum = V::fma(codes, V::broadcast(q[r][h]), sum);
                           }
                         });
    const auto scale = V::load(scales_at(args, args.kv.key_scales(), t0 + t));
    for (size_t r = 0; r < kRows; ++r) {
      auto sum = sums[r][0];
      for (size_t i = 1; i < kChains; ++i) sum = V::add(sum, sums[r][i]);
      V::store(scores[r] + t, V::fma(sum, scale, V::broadcast(centers[r])));
    }
  }
}

// Pairs [p, p + kPairs) of rows [m, m + kRows) += weights · codes of `count` values from t0.
template <class V, KvCode kCode, size_t kRows, size_t kPairs>
void add_values(const AttentionArgs& args, size_t m, size_t t0, size_t count,
                const float (*weights)[kKeyBlock], size_t p) {
  typename V::F sums[kRows][kPairs][2];
  const auto each = [&](auto&& f) {
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (size_t i = 0; i < kPairs; ++i) {
        for (size_t half = 0; half < 2; ++half)
          f(args.output(m + r) + pair_at<V>(p + i) + 16 * half, sums[r][i][half]);
      }
    }
  };
  each([](const float* out, typename V::F& sum) { sum = V::load(out); });
  for (size_t page = 0; page < count; page += kPageKeys) {
    const uint8_t* value = args.page(t0 + page) + args.kv.values();
    for (size_t t = page; t < std::min(count, page + kPageKeys);
         ++t, value += value_bytes<kCode>(args.kv.head_dim)) {
#pragma GCC unroll 4
      for (size_t i = 0; i < kPairs; ++i) {
        const auto codes = value_pair<V, kCode>(value, p + i);
#pragma GCC unroll 4
        for (size_t r = 0; r < kRows; ++r) {
          const auto weight = V::broadcast(weights[r][t]);
          sums[r][i][0] = V::fma(codes[0], weight, sums[r][i][0]);
          sums[r][i][1] = V::fma(codes[1], weight, sums[r][i][1]);
        }
      }
    }
  }
  each([](float* out, typename V::F& sum) { V::store(out, sum); });
}

// All pairs from p on, kPairs at a time while there are so many.
template <class V, KvCode kCode, size_t kRows, size_t kPairs>
void add_all_values(const AttentionArgs& args, size_t m, size_t t0, size_t count,
                    const float (*weights)[kKeyBlock], size_t p) {
  const size_t pairs = args.kv.head_dim / (2 * V::kWidth);
  for (; p + kPairs <= pairs; p += kPairs)
    add_values<V, kCode, kRows, kPairs>(args, m, t0, count, weights, p);
  if constexpr (kPairs > 1) add_all_values<V, kCode, kRows, kPairs / 2>(args, m, t0, count, weights, p);
}

template <class V, KvCode kKey, KvCode kValue, size_t kRows>
void attend_codes(const AttentionArgs& args, size_t m, const RunningSoftmax& running) {
  constexpr size_t kPairs = kRows == 1 ? 4 : kRows == 2 ? 2 : 1;
  const size_t end = std::min(args.key_end, args.position(m + kRows - 1) + 1);
  const size_t begin = std::max(args.key_begin, args.first_visible(m)) / kPageKeys * kPageKeys;
  float weights[kRows][kKeyBlock];
  for (size_t t0 = begin, next = 0; t0 < end; t0 = next) {
    next = t0 / kKeyBlock * kKeyBlock + kKeyBlock;
    const size_t count = std::min(next, end) - t0;
    const size_t padded = (count + V::kWidth - 1) / V::kWidth * V::kWidth;
    score_codes<V, kKey, kRows>(args, m, t0, count, weights);
    for (size_t r = 0; r < kRows; ++r) {
      softmax_step<V>(args, m + r, t0, count, padded, weights[r], running);
      for (size_t t = 0; t < count; t += V::kWidth) {
        const auto scales = V::load(scales_at(args, args.kv.value_scales(), t0 + t));
        V::store(weights[r] + t, V::mul(V::load(weights[r] + t), scales));
      }
    }
    add_all_values<V, kValue, kRows, kPairs>(args, m, t0, count, weights, 0);
  }
}

template <class V, KvCode kKey, KvCode kValue>
void attend_few_codes(const AttentionArgs& args, const RunningSoftmax& running) {
  using Fn = void (*)(const AttentionArgs&, size_t, const RunningSoftmax&);
  static constexpr auto table = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<Fn, sizeof...(I)>{&attend_codes<V, kKey, kValue, I + 1>...};
  }(std::make_index_sequence<kFewCodeRows>());
  for (size_t m = 0; m < args.rows(); m += kFewCodeRows)
    table[std::min(kFewCodeRows, args.rows() - m) - 1](args, m, running);
}

}  // namespace vector_kernels
}  // namespace
}  // namespace longscroll
