// One pass of a block of tokens through the transformer, over a KV cache that grows.
//
// Letters: B = tokens of the block, D = hidden, N = query heads, K = KV heads, H = head dimension,
//          F = ffn width, V = vocabulary, S = ranges of keys that a few tokens' attention is split into.
#pragma once

#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "base/token_id.h"
#include "engine/kv_cache.h"
#include "engine/quantized_rows.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "rope/rope.h"

namespace longscroll {

class Forward {
 public:
  // For blocks of at most max_block tokens at positions below max_length.
  Forward(const Model& model, size_t max_block, size_t max_length, int threads);

  // Computes the block of `ids` at positions first, first + 1, … and appends their keys and values.
  // rope_length is the number of positions in use, for scalings that depend on it. Throws
  // Error(kCancelled) between layers once *cancel is set.
  void run(std::span<const TokenId> ids, size_t first, size_t rope_length, KvCache& cache,
           const std::atomic<bool>* cancel);

  // Turns the first `count` cached keys anew, by the frequencies of rope_length: for caches that keep keys
  // before rotation.
  void rotate_again(size_t count, size_t rope_length, KvCache& cache);

  // Logits of rows [row, row + count) of the last run: out is [count, V].
  void logits(size_t row, size_t count, float* out);

  static uint64_t scratch_bytes(const ModelConfig& config, size_t max_block, size_t max_length, int threads);

 private:
  struct Product {
    const Matrix* weight;
    const std::vector<float>* bias;
    float* out;
  };
  struct RopeTable {
    RopeFrequencies frequencies;
    std::vector<float> cos, sin;  // [B, rotary_dim / 2]
  };

  void set_frequencies(size_t rope_length);
  void turn_positions(size_t first, size_t rows, size_t rope_length, bool centered);
  void rotate(float* head, const float* cos, const float* sin) const;
  void embed(std::span<const TokenId> ids);
  void attention_block(size_t layer, size_t rows, size_t first, KvCache& cache);
  void ffn_block(size_t layer, size_t rows);
  void rotate_and_store(size_t layer, size_t rows, size_t first, KvCache& cache);
  void begin_pages(size_t layer, size_t rows, size_t first, KvCache& cache);
  void write_center(size_t layer, size_t kv_head, const float* cos, const float* sin, uint8_t* page,
                    const KvFormat& format) const;
  void rotate_page_again(size_t first, size_t rows, KvCache& cache, float* room) const;
  void attend(size_t layer, size_t rows, size_t first, KvCache& cache);
  void attend_in_ranges(size_t layer, size_t rows, size_t first, KvCache& cache);
  AttentionArgs attention_args(size_t layer, size_t kv_head, size_t row, size_t rows, size_t first,
                               const KvCache& cache) const;
  void add_and_norm(const std::vector<float>& post_norm, const std::vector<float>& norm, size_t rows);
  void norm_row(const std::vector<float>& norm, size_t b);
  void refine(const float* in, size_t row, size_t rows, size_t width);
  void quantize_row(const float* row, size_t b, size_t width);
  void multiply(const float* in, size_t row, size_t rows, std::initializer_list<Product> products);
  void multiply_part(const float* in, size_t row, size_t rows, const Product& product, size_t n, size_t count,
                     float* room);
  template <class Body>
  void for_rows(size_t rows, Body body);
  bool is_local(size_t layer) const {
    return !config_.layer_local.empty() && config_.layer_local[layer] != 0;
  }
  float* scratch(int thread) { return scratch_.data() + static_cast<size_t>(thread) * scratch_floats_; }

  const Model& model_;
  const ModelConfig& config_;
  const KernelSet& kernels_;
  const bool packed_;  // some weights are: every input is kept in bytes too
  ThreadPool pool_;
  RopeTable rope_, rope_local_;
  RopeTable centers_, centers_local_;  // at the middle of each page that the block begins
  size_t rope_length_ = 0;             // of the frequencies
  std::vector<float> x_BD_, normed_BD_, projected_BD_, q_BNH_, k_BKH_, v_BKH_, attended_BNH_, gate_BF_,
      up_BF_;
  QuantizedBuffer codes_;  // of the input of the next products
  std::vector<float> parts_SNH_, largest_SN_, sums_SN_;
  size_t scratch_floats_;
  std::vector<float> scratch_;
};

}  // namespace longscroll
