// One pass of a block of tokens through the transformer, over a KV cache that grows.
//
// Letters: B = tokens of the block, D = hidden, N = query heads, K = KV heads, H = head dimension,
//          F = ffn width, V = vocabulary.
#pragma once

#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "base/token_id.h"
#include "engine/kv_cache.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "rope/rope.h"

namespace longscroll {

class Forward {
 public:
  Forward(const Model& model, size_t max_block, int threads);

  // Computes x_BD for `ids` at positions first, first + 1, … and appends their keys and values.
  // rope_length is the number of positions in use, for scalings that depend on it. Throws
  // Error(kCancelled) between layers once *cancel is set.
  void run(std::span<const TokenId> ids, size_t first, size_t rope_length, KvCache& cache,
           const std::atomic<bool>* cancel);

  // Logits of rows [row, row + count) of the last run: out is [count, V].
  void logits(size_t row, size_t count, float* out);

  static uint64_t scratch_bytes(const ModelConfig& config, size_t max_block, int threads);

 private:
  struct Product {
    const Matrix* weight;
    const std::vector<float>* bias;
    float* out;
  };
  struct RopeTable {
    std::vector<float> cos, sin;  // [B, rotary_dim / 2]
  };

  void embed(std::span<const TokenId> ids);
  void attention_block(size_t layer, size_t rows, size_t first, KvCache& cache);
  void ffn_block(size_t layer, size_t rows);
  void rotate_and_store(size_t layer, size_t rows, size_t first, KvCache& cache);
  void attend(size_t layer, size_t rows, size_t first, KvCache& cache);
  void norm(const float* in, const std::vector<float>& weight, size_t rows, float* out);
  void add_residual(const std::vector<float>& post_norm, size_t rows);
  void multiply(const float* in, size_t rows, std::initializer_list<Product> products);
  float* scratch(int thread) { return scratch_.data() + static_cast<size_t>(thread) * scratch_floats_; }

  const Model& model_;
  const ModelConfig& config_;
  const KernelSet& kernels_;
  ThreadPool pool_;
  RopeTable rope_, rope_local_;
  std::vector<float> x_BD_, normed_BD_, projected_BD_, q_BNH_, k_BKH_, v_BKH_, attended_BNH_, gate_BF_,
      up_BF_;
  size_t scratch_floats_;
  std::vector<float> scratch_;
};

}  // namespace longscroll
