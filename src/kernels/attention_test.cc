// Attention of every set over every form of page, against the definition in double over the same stored keys
// and values. Float arithmetic: a few ulp a step. Where a set rounds queries to bytes the definition is given
// them rounded too, and what is left is the weights' rounding: half a unit each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/anonymous_memory.h"
#include "kernels/kernels.h"
#include "kernels/test_rows.h"

namespace longscroll {
namespace {

struct Case {
  size_t m, first, group;
  KvFormat kv;
  size_t window = 0;
  float key_size = 1.0f;
};

// A head's cache, with junk before and behind it in every page and stale codes past the last key.
class Cache {
 public:
  Cache(const KvFormat& format, size_t keys, float key_size) : format_(format), keys_(keys) {
    const size_t pages = (keys + kPageKeys - 1) / kPageKeys, stride = kOffset + format.bytes() + 64;
    memory_ = AnonymousMemory(pages * stride, "test");
    for (size_t i = 0; i < pages; ++i) pages_.push_back(memory_.data() + i * stride);
    std::vector<float> k = random_floats(pages * kPageKeys * format.head_dim, 22), v = k;
    for (float& x : k) x *= key_size;
    std::reverse(v.begin(), v.end());
    for (size_t t = 0; format.centered && t < pages * kPageKeys; t += kPageKeys) {
      const std::vector<float> center = random_floats(format.head_dim, static_cast<uint32_t>(t));
      std::memcpy(page(t) + format.center(), center.data(), center.size() * sizeof(float));
    }
    for (size_t t = 0; t < pages * kPageKeys; ++t) {
      store_key_reference(format, k.data() + t * format.head_dim, t % kPageKeys, page(t));
      store_value_reference(format, v.data() + t * format.head_dim, t % kPageKeys, page(t));
    }
  }
  uint8_t* page(size_t t) { return const_cast<uint8_t*>(pages_[t / kPageKeys]) + kOffset; }
  std::vector<float> key(size_t t) {
    std::vector<float> x(format_.head_dim);
    load_key_reference(format_, page(t), t % kPageKeys, x.data());
    return x;
  }
  std::vector<float> value(size_t t) {
    std::vector<float> x(format_.head_dim);
    load_value_reference(format_, page(t), t % kPageKeys, x.data());
    return x;
  }
  float value_scale(size_t t) {
    float scale;
    std::memcpy(&scale, page(t) + format_.value_scales() + t % kPageKeys * sizeof scale, sizeof scale);
    return scale;
  }
  const uint8_t* const* pages() const { return pages_.data(); }

  static constexpr size_t kOffset = 128;

 private:
  KvFormat format_;
  size_t keys_;
  AnonymousMemory memory_;
  std::vector<const uint8_t*> pages_;
};

// The query of a row as bytes with a scale, on top of the mean of its head's.
std::vector<float> as_bytes(const AttentionArgs& args, size_t row) {
  const size_t dim = args.kv.head_dim;
  std::vector<float> rest(args.query(row), args.query(row) + dim), mean(dim);
  for (size_t h = 0; h < dim; ++h) {
    float sum = 0;
    for (size_t m = 0; m < args.m; ++m) sum += args.query(m * args.group + row % args.group)[h];
    mean[h] = sum * (1.0f / static_cast<float>(args.m));
    rest[h] -= mean[h];
  }
  float largest = 0;
  for (const float x : rest) largest = std::max(largest, std::fabs(x));
  const float scale = largest / 127.0f;
  for (size_t h = 0; h < dim; ++h) mean[h] += scale * std::nearbyint(rest[h] * (1.0f / scale));
  return mean;
}

class AttentionTest : public testing::TestWithParam<const KernelSet*> {
 protected:
  void SetUp() override {
    if (!GetParam()->available()) GTEST_SKIP() << "this processor lacks " << GetParam()->description;
  }

  bool rounds(const KvFormat& kv) const { return GetParam()->byte_queries && kv.quantized(); }

  AttentionArgs arguments(const Case& c, const Cache& cache, const std::vector<float>& q) {
    AttentionArgs args;
    args.q = q.data();
    args.q_stride = c.group * c.kv.head_dim + 3;
    args.m = c.m;
    args.group = c.group;
    args.first_position = c.first;
    args.pages = cache.pages();
    args.page_offset = Cache::kOffset;
    args.kv = c.kv;
    args.key_end = c.first + c.m;
    args.window = c.window;
    args.scale = 1.0f / std::sqrt(static_cast<float>(c.kv.head_dim));
    args.out_stride = c.group * c.kv.head_dim + 5;
    scratch_.assign(attention_scratch_floats(args.rows(), c.group, c.kv.head_dim), NAN);
    args.scratch = scratch_.data();
    return args;
  }

  void expect_row(const AttentionArgs& args, Cache& cache, size_t row) {
    const size_t dim = args.kv.head_dim;
    std::vector<float> q(args.query(row), args.query(row) + dim);
    if (rounds(args.kv) && args.m > kFewTokens) q = as_bytes(args, row);
    std::vector<double> expected(dim), magnitudes(dim), weights;
    double sum = 0;
    for (size_t t = args.first_visible(row); t <= args.position(row); ++t) {
      const std::vector<float> k = cache.key(t);
      double score = 0;
      for (size_t h = 0; h < dim; ++h) score += static_cast<double>(q[h]) * k[h];
      weights.push_back(score * args.scale);
    }
    const double largest = *std::max_element(weights.begin(), weights.end());
    for (double& w : weights) sum += w = std::exp(w - largest);
    std::vector<double> rounding(dim);
    for (size_t begin = args.first_visible(row), t = begin; t <= args.position(row); ++t) {
      const std::vector<float> v = cache.value(t);
      const double unit = rounds(args.kv) ? weight_unit(args, cache, weights, begin, t) : 0.0;
      for (size_t h = 0; h < dim; ++h) {
        expected[h] += weights[t - begin] / sum * v[h];
        magnitudes[h] += weights[t - begin] / sum * std::fabs(v[h]);
        rounding[h] += 0.5 * unit / sum * std::fabs(v[h]);
      }
    }
    // What has 16 bits, a query or the mean of queries, is off by 5e-5 in each dimension (its largest is
    // about 3.5, over 2 · 127 · 254), its score by H · 5e-5 · 0.8 / sqrt(H), which is 7e-4 for the widest
    // head, and the share of a weight by twice that.
    const double share = rounds(args.kv) ? 1.5e-3 : 1e-5;
    for (size_t h = 0; h < dim; ++h)
      ASSERT_NEAR(args.output(row)[h], expected[h], rounding[h] + share * magnitudes[h] + 1e-6)
          << "row " << row << " at " << h;
  }

  // The step of key t's weight where weights are bytes, or 16 bits for a few tokens. They are rounded with
  // the value's scale, in units of the largest product of a page, or of a block of pages.
  double weight_unit(const AttentionArgs& args, Cache& cache, const std::vector<double>& weights,
                     size_t begin, size_t t) {
    const bool few = args.m <= kFewTokens && args.group <= 8;
    const size_t together = few ? 256 : kPageKeys, first = t / together * together;
    double most = 0;
    for (size_t i = std::max(first, begin); i < std::min(first + together, begin + weights.size()); ++i)
      most = std::max(most, weights[i - begin] * std::fabs(cache.value_scale(i)));
    return most / (few ? 32639 : 255) / std::fabs(cache.value_scale(t));
  }

  void check(const Case& c) {
    SCOPED_TRACE(testing::Message() << "m " << c.m << " first " << c.first << " group " << c.group << " head "
                                    << c.kv.head_dim << " codes " << static_cast<int>(c.kv.key) << ","
                                    << static_cast<int>(c.kv.value));
    Cache cache(c.kv, c.first + c.m, c.key_size);
    const std::vector<float> q = random_floats(c.m * (c.group * c.kv.head_dim + 3), 21);
    std::vector<float> out(c.m * (c.group * c.kv.head_dim + 5), -7.0f);
    AttentionArgs args = arguments(c, cache, q);
    args.out = out.data();
    GetParam()->attention(args);
    for (size_t row = 0; row < args.rows(); ++row) expect_row(args, cache, row);
    for (size_t m = 0; m < c.m; ++m)
      ASSERT_EQ(out[(m + 1) * args.out_stride - 1], -7.0f) << "wrote past a token";
  }

  void expect_same_alone(const Case& c) {
    const size_t width = c.group * c.kv.head_dim;
    Cache cache(c.kv, c.first + c.m, c.key_size);
    const std::vector<float> q = random_floats(c.m * (width + 3), 21);
    std::vector<float> together(c.m * (width + 5)), alone(width);
    AttentionArgs args = arguments(c, cache, q);
    args.out = together.data();
    GetParam()->attention(args);
    for (size_t m = 0; m < c.m; ++m) {
      Case one = c;
      one.m = 1;
      one.first = c.first + m;
      AttentionArgs single = arguments(one, cache, q);
      single.q = q.data() + m * args.q_stride;
      single.out = alone.data();
      GetParam()->attention(single);
      const float* row = together.data() + m * args.out_stride;
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(), row))
          << "token " << m << " first " << c.first << " group " << c.group << " head " << c.kv.head_dim
          << " window " << c.window << " codes " << static_cast<int>(c.kv.key) << ","
          << static_cast<int>(c.kv.value);
    }
  }

  std::vector<float> scratch_;
};

KvFormat format(KvCode key, KvCode value, size_t dim) {
  return {key, value, dim};
}

TEST_P(AttentionTest, IsCausalSoftmaxOverFloats) {
  for (const KvCode code : {KvCode::kF32, KvCode::kF16, KvCode::kBF16}) {
    check({1, 0, 1, format(code, code, 64)});
    check({1, 700, 1, format(code, code, 64)});
    check({3, 10, 1, format(code, code, 16)});
    check({70, 0, 1, format(code, code, 64)});
    check({40, 500, 1, format(code, code, 128)});
    check({17, 90, 3, format(code, code, 16)});
    check({30, 33, 2, format(code, code, 80)});
    check({6, 300, 1, format(code, code, 256)});
  }
}

TEST_P(AttentionTest, IsCausalSoftmaxOverCodes) {
  using enum KvCode;
  for (const auto& [key, value] : {std::pair{kQ8, kQ8}, std::pair{kQ8, kQ4}, std::pair{kQ4, kQ4}}) {
    check({1, 0, 1, format(key, value, 64)});
    check({1, 777, 1, format(key, value, 128)});
    check({2, 300, 1, format(key, value, 96)});
    check({3, 63, 7, format(key, value, 64)});
    check({70, 0, 1, format(key, value, 64)});
    check({40, 500, 1, format(key, value, 128)});
    check({29, 900, 7, format(key, value, 64)});
    check({3, 200, 9, format(key, value, 64)});
    check({11, 200, 14, format(key, value, 32)});
    check({5, 129, 4, format(key, value, 32)});
    check({6, 300, 1, format(key, value, 256)});
  }
}

TEST_P(AttentionTest, CentersOfPagesCountInFull) {
  using enum KvCode;
  for (const size_t m : {1u, 3u, 40u}) {
    check({m, 300, 2, {kQ8, kQ4, 64, true}});
    check({m, 300, 1, {kQ4, kQ4, 128, true}});
  }
}

TEST_P(AttentionTest, SeesOnlyItsWindow) {
  using enum KvCode;
  check({1, 700, 1, format(kF16, kF16, 64), 100});
  check({60, 0, 1, format(kF32, kF32, 64), 16});
  check({60, 600, 1, format(kF32, kF32, 32), 300});
  check({1, 700, 4, format(kQ8, kQ8, 256), 100});
  check({60, 600, 1, format(kQ8, kQ4, 64), 70});
  check({60, 600, 2, format(kQ8, kQ8, 64), 1});
}

TEST_P(AttentionTest, EqualAndExtremeScoresStayFinite) {
  using enum KvCode;
  for (const KvCode code : {kF32, kQ8}) {
    check({9, 400, 1, format(code, code, 64), 0, 0.0f});  // every score 0: the plain mean of the values
    check({9, 400, 1, format(code, code, 64), 0, 1e-20f});
  }
  // A score of hundreds: one key takes all.
  check({9, 400, 1, format(kF32, kF32, 64), 0, 1e3f});
}

TEST_P(AttentionTest, RangesOfKeysMergeToTheWhole) {
  using enum KvCode;
  for (const KvFormat& kv : {format(kF32, kF32, 64), format(kQ8, kQ4, 64), format(kQ8, kQ8, 128)}) {
    const Case c{3, 500, 2, kv};
    Cache cache(kv, c.first + c.m, 1.0f);
    const std::vector<float> q = random_floats(c.m * (c.group * kv.head_dim + 3), 21);
    AttentionArgs args = arguments(c, cache, q);
    const size_t rows = args.rows(), dim = kv.head_dim, ends[] = {0, 128, 448, 503};
    std::vector<float> parts(3 * rows * dim), largest(3 * rows), sums(3 * rows);
    for (size_t i = 0; i < 3; ++i) {
      args.key_begin = ends[i];
      args.key_end = ends[i + 1];
      args.out = parts.data() + i * rows * dim;
      args.out_stride = c.group * dim;
      args.largest = largest.data() + i * rows;
      args.sums = sums.data() + i * rows;
      GetParam()->attention(args);
    }
    std::vector<float> out(rows * dim);
    for (size_t row = 0; row < rows; ++row) {
      merge_attention({parts.data() + row * dim, rows * dim, largest.data() + row, sums.data() + row, rows, 3,
                       dim, out.data() + row * dim});
    }
    args.out = out.data();
    for (size_t row = 0; row < rows; ++row) expect_row(args, cache, row);
  }
}

// kFewTokens: over ends of pages and of blocks of 256 keys, and with windows that begin at each token's own
// key.
TEST_P(AttentionTest, AFewTokensGiveTheBitsOfEachAlone) {
  using enum KvCode;
  for (const auto& [key, value] : {std::pair{kF32, kF32}, std::pair{kF16, kF16}, std::pair{kQ8, kQ8},
                                   std::pair{kQ8, kQ4}, std::pair{kQ4, kQ4}}) {
    for (const size_t group : {1u, 2u, 3u, 7u}) {
      for (const size_t dim : {64u, 96u, 128u}) {
        for (const size_t first : {0u, 59u, 508u, 700u}) {
          for (const size_t window : {0u, 5u, 130u})
            expect_same_alone({kFewTokens, first, group, format(key, value, dim), window});
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, AttentionTest,
                         testing::ValuesIn(all_kernel_sets().begin(), all_kernel_sets().end()),
                         [](const auto& tested) { return std::string(tested.param->name); });

}  // namespace
}  // namespace longscroll
