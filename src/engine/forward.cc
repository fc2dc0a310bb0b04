#include "engine/forward.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/error.h"

namespace longscroll {
namespace {

constexpr size_t kQueryBlock = 96;    // queries that share one unpacking of a block of keys
constexpr size_t kColumnBlock = 128;  // output columns of one task when many rows share the weights

size_t ceil_div(size_t a, size_t b) {
  return (a + b - 1) / b;
}

size_t scratch_floats_of(const ModelConfig& c, size_t max_block) {
  const size_t widest = std::max({c.hidden_size, c.query_size(), c.ffn_size});
  return std::max(matmul_scratch_floats(max_block, widest),
                  attention_scratch_floats(std::min(max_block, kQueryBlock), c.head_dim));
}

}  // namespace

uint64_t Forward::scratch_bytes(const ModelConfig& c, size_t max_block, int threads) {
  const uint64_t row = uint64_t{3} * c.hidden_size + 2 * c.query_size() + 2 * c.kv_size() + 2 * c.ffn_size +
                       c.rope.rotary_dim + c.rope_local.rotary_dim;
  const uint64_t a_thread = scratch_floats_of(c, max_block);
  return sizeof(float) * (row * max_block + a_thread * static_cast<uint64_t>(threads) + c.vocab_size);
}

Forward::Forward(const Model& model, size_t max_block, int threads)
    : model_(model), config_(model.config), kernels_(kernels()), pool_(threads) {
  const ModelConfig& c = config_;
  x_BD_.resize(max_block * c.hidden_size);
  normed_BD_.resize(max_block * c.hidden_size);
  projected_BD_.resize(max_block * c.hidden_size);
  q_BNH_.resize(max_block * c.query_size());
  attended_BNH_.resize(max_block * c.query_size());
  k_BKH_.resize(max_block * c.kv_size());
  v_BKH_.resize(max_block * c.kv_size());
  gate_BF_.resize(max_block * c.ffn_size);
  up_BF_.resize(max_block * c.ffn_size);
  for (RopeTable* table : {&rope_, &rope_local_}) {
    table->cos.resize(max_block * c.rope.rotary_dim / 2);
    table->sin.resize(max_block * c.rope.rotary_dim / 2);
  }
  scratch_floats_ = scratch_floats_of(c, max_block);
  scratch_.resize(scratch_floats_ * static_cast<size_t>(threads));
}

void Forward::run(std::span<const TokenId> ids, size_t first, size_t rope_length, KvCache& cache,
                  const std::atomic<bool>* cancel) {
  const size_t rows = ids.size();
  assert(rows * config_.hidden_size <= x_BD_.size() && first + rows <= cache.max_length());
  rope_table(rope_frequencies(config_.rope, rope_length), first, rows, rope_.cos.data(), rope_.sin.data());
  rope_table(rope_frequencies(config_.rope_local, rope_length), first, rows, rope_local_.cos.data(),
             rope_local_.sin.data());
  embed(ids);
  for (size_t layer = 0; layer < config_.num_layers; ++layer) {
    if (cancel != nullptr && cancel->load())
      throw Error(ErrorKind::kCancelled, "reading", "stopped on request");
    attention_block(layer, rows, first, cache);
    ffn_block(layer, rows);
  }
}

void Forward::embed(std::span<const TokenId> ids) {
  const Matrix& table = model_.weights.embedding;
  const size_t width = config_.hidden_size;
  for (size_t b = 0; b < ids.size(); ++b) {
    float* x = x_BD_.data() + b * width;
    kernels_.dequantize(table.dtype, table.data + static_cast<size_t>(ids[b]) * table.row_bytes, x, width);
    if (config_.embedding_scale != 1.0f) {
      for (size_t d = 0; d < width; ++d) x[d] *= config_.embedding_scale;
    }
  }
}

void Forward::attention_block(size_t layer, size_t rows, size_t first, KvCache& cache) {
  const LayerWeights& w = model_.weights.layers[layer];
  norm(x_BD_.data(), w.attention_norm, rows, normed_BD_.data());
  multiply(normed_BD_.data(), rows,
           {{&w.query, &w.query_bias, q_BNH_.data()},
            {&w.key, &w.key_bias, k_BKH_.data()},
            {&w.value, &w.value_bias, v_BKH_.data()}});
  rotate_and_store(layer, rows, first, cache);
  attend(layer, rows, first, cache);
  multiply(attended_BNH_.data(), rows, {{&w.output, &w.output_bias, projected_BD_.data()}});
  add_residual(w.post_attention_norm, rows);
}

void Forward::ffn_block(size_t layer, size_t rows) {
  const LayerWeights& w = model_.weights.layers[layer];
  const size_t width = config_.ffn_size;
  norm(x_BD_.data(), w.ffn_norm, rows, normed_BD_.data());
  multiply(normed_BD_.data(), rows, {{&w.gate, nullptr, gate_BF_.data()}, {&w.up, nullptr, up_BF_.data()}});
  const auto gated = config_.activation == Activation::kSilu ? kernels_.silu_mul : kernels_.gelu_tanh_mul;
  pool_.run(rows,
            [&](size_t b, int) { gated(gate_BF_.data() + b * width, up_BF_.data() + b * width, width); });
  multiply(gate_BF_.data(), rows, {{&w.down, nullptr, projected_BD_.data()}});
  add_residual(w.post_ffn_norm, rows);
}

void Forward::rotate_and_store(size_t layer, size_t rows, size_t first, KvCache& cache) {
  const ModelConfig& c = config_;
  const LayerWeights& w = model_.weights.layers[layer];
  const bool local = !c.layer_local.empty() && c.layer_local[layer] != 0;
  const RopeTable& table = local ? rope_local_ : rope_;
  const size_t rotary = c.rope.rotary_dim, dim = c.head_dim;
  const auto rotate =
      c.rope_layout == RopeLayout::kHalfSplit ? kernels_.rope_half_split : kernels_.rope_interleaved;
  const auto store = [&](const float* from, std::byte* to) {
    if (cache.type() == DType::kF32) {
      std::memcpy(to, from, dim * sizeof(float));
    } else {
      kernels_.float_to_f16(from, reinterpret_cast<uint16_t*>(to), dim);
    }
  };
  pool_.run(rows, [&](size_t b, int) {
    const float* cos = table.cos.data() + b * rotary / 2;
    const float* sin = table.sin.data() + b * rotary / 2;
    for (size_t n = 0; n < c.num_heads; ++n) {
      float* q = q_BNH_.data() + (b * c.num_heads + n) * dim;
      if (c.qk_norm) kernels_.rms_norm(q, w.query_norm.data(), c.rms_norm_eps, dim, q);
      rotate(q, cos, sin, rotary);
    }
    for (size_t n = 0; n < c.num_kv_heads; ++n) {
      float* k = k_BKH_.data() + (b * c.num_kv_heads + n) * dim;
      if (c.qk_norm) kernels_.rms_norm(k, w.key_norm.data(), c.rms_norm_eps, dim, k);
      rotate(k, cos, sin, rotary);
      store(k, cache.key(layer, n, first + b));
      store(v_BKH_.data() + (b * c.num_kv_heads + n) * dim, cache.value(layer, n, first + b));
    }
  });
}

void Forward::attend(size_t layer, size_t rows, size_t first, KvCache& cache) {
  const ModelConfig& c = config_;
  const bool local = !c.layer_local.empty() && c.layer_local[layer] != 0;
  const size_t blocks = ceil_div(rows, kQueryBlock), group = c.num_heads / c.num_kv_heads;
  pool_.run(blocks * c.num_heads, [&](size_t task, int thread) {
    const size_t b = (blocks - 1 - task / c.num_heads) * kQueryBlock;  // the longest rows first
    const size_t head = task % c.num_heads, at = b * c.query_size() + head * c.head_dim;
    kernels_.attention({.q = q_BNH_.data() + at,
                        .q_stride = c.query_size(),
                        .m = std::min(kQueryBlock, rows - b),
                        .first_position = first + b,
                        .k = cache.key(layer, head / group, 0),
                        .v = cache.value(layer, head / group, 0),
                        .kv_type = cache.type(),
                        .kv_stride = c.head_dim,
                        .head_dim = c.head_dim,
                        .window = local ? c.sliding_window : 0,
                        .scale = c.query_scale,
                        .out = attended_BNH_.data() + at,
                        .out_stride = c.query_size(),
                        .scratch = scratch(thread)});
  });
}

void Forward::norm(const float* in, const std::vector<float>& weight, size_t rows, float* out) {
  const size_t width = config_.hidden_size;
  for (size_t b = 0; b < rows; ++b) {
    kernels_.rms_norm(in + b * width, weight.data(), config_.rms_norm_eps, width, out + b * width);
  }
}

void Forward::add_residual(const std::vector<float>& post_norm, size_t rows) {
  if (!post_norm.empty()) norm(projected_BD_.data(), post_norm, rows, projected_BD_.data());
  kernels_.add(x_BD_.data(), projected_BD_.data(), rows * config_.hidden_size);
}

// All products of one input in one sharing-out. Columns are cut in pieces so small that threads end
// together, and with many rows as wide as the kernel's panels.
void Forward::multiply(const float* in, size_t rows, std::initializer_list<Product> products) {
  size_t columns = 0;
  for (const Product& product : products) columns += product.weight->rows;
  const size_t share = ceil_div(columns, static_cast<size_t>(pool_.size()) * 4);
  const size_t step = rows < 4 ? ceil_div(share, 16) * 16 : kColumnBlock;
  size_t tasks = 0;
  for (const Product& product : products) tasks += ceil_div(product.weight->rows, step);
  pool_.run(tasks, [&](size_t task, int thread) {
    const Product* product = products.begin();
    for (; task >= ceil_div(product->weight->rows, step); ++product)
      task -= ceil_div(product->weight->rows, step);
    const Matrix& w = *product->weight;
    const size_t n = task * step;
    kernels_.matmul(
        {.a = in,
         .a_stride = w.cols,
         .m = rows,
         .k = w.cols,
         .w = w.data + n * w.row_bytes,
         .w_row_bytes = w.row_bytes,
         .w_type = w.dtype,
         .n = std::min(step, w.rows - n),
         .bias = product->bias != nullptr && !product->bias->empty() ? product->bias->data() + n : nullptr,
         .out = product->out + n,
         .out_stride = w.rows,
         .scratch = scratch(thread)});
  });
}

void Forward::logits(size_t row, size_t count, float* out) {
  const std::vector<float>& scale = model_.weights.head_row_scale;
  norm(x_BD_.data() + row * config_.hidden_size, model_.weights.final_norm, count, normed_BD_.data());
  multiply(normed_BD_.data(), count, {{&model_.weights.head, nullptr, out}});
  if (scale.empty()) return;
  for (size_t b = 0; b < count; ++b) {
    for (size_t v = 0; v < scale.size(); ++v) out[b * scale.size() + v] *= scale[v];
  }
}

}  // namespace longscroll
