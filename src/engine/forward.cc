#include "engine/forward.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/anonymous_memory.h"
#include "base/error.h"

namespace longscroll {
namespace {

constexpr size_t kQueryRows = 192;    // rows of queries that share one unpacking of a block of keys
constexpr size_t kColumnBlock = 128;  // output columns of one task when many rows share the weights
constexpr size_t kRowsATask = 8;      // of work that goes row by row
constexpr size_t kRangeKeys = 2048;   // keys of a range; the same whatever the number of threads
constexpr size_t kRowsOfFile = 32;    // embedding rows read before the file's pages are given back

size_t ceil_div(size_t a, size_t b) {
  return (a + b - 1) / b;
}

size_t widest_input(const ModelConfig& c) {
  return std::max({size_t{c.hidden_size}, size_t{c.query_size()}, size_t{c.ffn_size}});
}

size_t group_of(const ModelConfig& c) {
  return c.num_heads / c.num_kv_heads;
}

size_t tokens_of_query_block(const ModelConfig& c) {
  return std::max<size_t>(1, kQueryRows / group_of(c));
}

// Of turning a page's keys anew: cos and sin of its positions and of its middle, and a key.
size_t page_turning_floats(const ModelConfig& c) {
  return c.rope.scaling == RopeScaling::kDynamicNtk ? (kPageKeys + 1) * c.rope.rotary_dim + c.head_dim : 0;
}

size_t scratch_floats_of(const ModelConfig& c, size_t max_block) {
  const size_t rows = std::max(tokens_of_query_block(c), kFewTokens) * group_of(c);
  return std::max({matmul_scratch_floats(max_block, widest_input(c)), page_turning_floats(c),
                   packed_scratch_floats(max_block, widest_input(c)),
                   attention_scratch_floats(rows, group_of(c), c.head_dim)});
}

size_t part_rows(const ModelConfig& c, size_t max_length) {
  return ceil_div(max_length, kRangeKeys) * c.num_heads * kFewTokens;
}

bool any_packed(const Weights& weights) {
  bool any = weights.head.panels != nullptr;
  for (const LayerWeights& layer : weights.layers)
    for_each_matrix(layer, [&any](const Matrix& matrix) { any = any || matrix.panels != nullptr; });
  return any;
}

}  // namespace

uint64_t Forward::scratch_bytes(const ModelConfig& c, size_t max_block, size_t max_length, int threads) {
  const uint64_t row = uint64_t{3} * c.hidden_size + 2 * c.query_size() + 2 * c.kv_size() + 2 * c.ffn_size +
                       c.rope.rotary_dim + c.rope_local.rotary_dim;
  const uint64_t floats = row * max_block + scratch_floats_of(c, max_block) * static_cast<uint64_t>(threads) +
                          part_rows(c, max_length) * (c.head_dim + 2) + kFewTokens * c.vocab_size;
  return sizeof(float) * floats + QuantizedBuffer::bytes_for(max_block, widest_input(c));
}

Forward::Forward(const Model& model, size_t max_block, size_t max_length, int threads)
    : model_(model),
      config_(model.config),
      kernels_(kernels()),
      packed_(any_packed(model.weights)),
      pool_(threads),
      codes_(max_block, widest_input(model.config)) {
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
  for (RopeTable* table : {&centers_, &centers_local_}) {
    table->cos.resize((max_block / kPageKeys + 1) * c.rope.rotary_dim / 2);
    table->sin.resize((max_block / kPageKeys + 1) * c.rope.rotary_dim / 2);
  }
  parts_SNH_.resize(part_rows(c, max_length) * c.head_dim);
  largest_SN_.resize(part_rows(c, max_length));
  sums_SN_.resize(part_rows(c, max_length));
  scratch_floats_ = scratch_floats_of(c, max_block);
  scratch_.resize(scratch_floats_ * static_cast<size_t>(threads));
}

void Forward::run(std::span<const TokenId> ids, size_t first, size_t rope_length, KvCache& cache,
                  const std::atomic<bool>* cancel) {
  const size_t rows = ids.size();
  const std::vector<LayerWeights>& layers = model_.weights.layers;
  assert(rows * config_.hidden_size <= x_BD_.size() && first + rows <= cache.max_length());
  turn_positions(first, rows, rope_length, cache.format().centered);
  embed(ids);
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    if (cancel != nullptr && cancel->load())
      throw Error(ErrorKind::kCancelled, "reading", "stopped on request");
    attention_block(layer, rows, first, cache);
    add_and_norm(layers[layer].post_attention_norm, layers[layer].ffn_norm, rows);
    ffn_block(layer, rows);
    add_and_norm(layers[layer].post_ffn_norm,
                 layer + 1 < layers.size() ? layers[layer + 1].attention_norm : model_.weights.final_norm,
                 rows);
  }
}

void Forward::set_frequencies(size_t rope_length) {
  for (RopeTable* table : {&rope_, &rope_local_}) {
    const RopeConfig& config = table == &rope_ ? config_.rope : config_.rope_local;
    const bool by_length = config.scaling == RopeScaling::kDynamicNtk;
    RopeFrequencies& frequencies = table->frequencies;
    if (frequencies.inv_freq.empty() || (by_length && rope_length != rope_length_))
      frequencies = rope_frequencies(config, rope_length);
  }
  rope_length_ = rope_length;
}

void Forward::turn_positions(size_t first, size_t rows, size_t rope_length, bool centered) {
  const size_t half = config_.rope.rotary_dim / 2;
  set_frequencies(rope_length);
  for (RopeTable* table : {&rope_, &rope_local_}) {
    rope_table(table->frequencies, first, rows, table->cos.data(), table->sin.data());
    RopeTable& centers = table == &rope_ ? centers_ : centers_local_;
    for (size_t p = ceil_div(first, kPageKeys), i = 0; centered && p * kPageKeys < first + rows; ++p, ++i) {
      rope_table(table->frequencies, p * kPageKeys + kPageKeys / 2, 1, centers.cos.data() + i * half,
                 centers.sin.data() + i * half);
    }
  }
}

void Forward::rotate(float* head, const float* cos, const float* sin) const {
  const auto turn =
      config_.rope_layout == RopeLayout::kHalfSplit ? kernels_.rope_half_split : kernels_.rope_interleaved;
  turn(head, cos, sin, config_.rope.rotary_dim);
}

// Tasks of neighbouring rows: one token is computed where it is, without waking a thread.
template <class Body>
void Forward::for_rows(size_t rows, Body body) {
  pool_.run(ceil_div(rows, kRowsATask), [&](size_t task, int) {
    const size_t end = std::min(rows, (task + 1) * kRowsATask);
    for (size_t b = task * kRowsATask; b < end; ++b) body(b);
  });
}

void Forward::embed(std::span<const TokenId> ids) {
  const Matrix& table = model_.weights.embedding;
  const Matrix& head = model_.weights.head;
  const size_t width = config_.hidden_size;
  for (size_t begin = 0; begin < ids.size(); begin += kRowsOfFile) {
    for_rows(std::min(kRowsOfFile, ids.size() - begin), [&](size_t i) {
      const size_t b = begin + i;
      float* x = x_BD_.data() + b * width;
      kernels_.dequantize(table.dtype, table.data + static_cast<size_t>(ids[b]) * table.row_bytes, x, width);
      if (config_.embedding_scale != 1.0f) {
        for (size_t d = 0; d < width; ++d) x[d] *= config_.embedding_scale;
      }
      norm_row(model_.weights.layers[0].attention_norm, b);
    });
    // Rows of the file are read once; what the system maps around each would add up to the whole table.
    const bool is_head = head.data == table.data && head.panels == nullptr;
    if (table.mapped && !is_head) release_mapped(table.data, table.rows * table.row_bytes);
  }
}

void Forward::attention_block(size_t layer, size_t rows, size_t first, KvCache& cache) {
  const LayerWeights& w = model_.weights.layers[layer];
  multiply(normed_BD_.data(), 0, rows,
           {{&w.query, &w.query_bias, q_BNH_.data()},
            {&w.key, &w.key_bias, k_BKH_.data()},
            {&w.value, &w.value_bias, v_BKH_.data()}});
  rotate_and_store(layer, rows, first, cache);
  if (rows <= kFewTokens) {
    attend_in_ranges(layer, rows, first, cache);
  } else {
    attend(layer, rows, first, cache);
  }
  const bool rotated = cache.format().value >= KvCode::kQ8;
  for_rows(rows, [&](size_t b) {
    float* attended = attended_BNH_.data() + b * config_.query_size();
    for (size_t n = 0; rotated && n < config_.num_heads; ++n)
      kernels_.hadamard(attended + n * config_.head_dim, config_.head_dim);
    quantize_row(attended, b, config_.query_size());
  });
  multiply(attended_BNH_.data(), 0, rows, {{&w.output, &w.output_bias, projected_BD_.data()}});
}

void Forward::ffn_block(size_t layer, size_t rows) {
  const LayerWeights& w = model_.weights.layers[layer];
  const size_t width = config_.ffn_size;
  multiply(normed_BD_.data(), 0, rows,
           {{&w.gate, nullptr, gate_BF_.data()}, {&w.up, nullptr, up_BF_.data()}});
  const auto gated = config_.activation == Activation::kSilu ? kernels_.silu_mul : kernels_.gelu_tanh_mul;
  for_rows(rows, [&](size_t b) {
    gated(gate_BF_.data() + b * width, up_BF_.data() + b * width, width);
    quantize_row(gate_BF_.data() + b * width, b, width);
  });
  multiply(gate_BF_.data(), 0, rows, {{&w.down, nullptr, projected_BD_.data()}});
}

// The center of a page: the keys' bias, turned as the key in the middle is.
void Forward::write_center(size_t layer, size_t kv_head, const float* cos, const float* sin, uint8_t* page,
                           const KvFormat& format) const {
  auto* center = reinterpret_cast<float*>(page + format.center());
  const size_t dim = config_.head_dim;
  std::copy_n(model_.weights.layers[layer].key_bias.data() + kv_head * dim, dim, center);
  rotate(center, cos, sin);
  kernels_.hadamard(center, dim);
}

void Forward::begin_pages(size_t layer, size_t rows, size_t first, KvCache& cache) {
  const RopeTable& table = is_local(layer) ? centers_local_ : centers_;
  const size_t half = config_.rope.rotary_dim / 2;
  for (size_t p = ceil_div(first, kPageKeys), i = 0; p * kPageKeys < first + rows; ++p, ++i) {
    for (size_t n = 0; n < config_.num_kv_heads; ++n) {
      write_center(layer, n, table.cos.data() + i * half, table.sin.data() + i * half,
                   cache.page(p * kPageKeys) + cache.offset(layer, n), cache.format());
    }
  }
}

// Quantised keys and values are kept rotated by a Hadamard matrix, which spreads outliers: queries are
// rotated like keys, and what attention made of the values is rotated back. Keys that will be turned again
// are turned from what was kept of them, so that turning again by the same length changes no bit.
void Forward::rotate_and_store(size_t layer, size_t rows, size_t first, KvCache& cache) {
  const ModelConfig& c = config_;
  const LayerWeights& w = model_.weights.layers[layer];
  const RopeTable& table = is_local(layer) ? rope_local_ : rope_;
  const size_t half = c.rope.rotary_dim / 2, dim = c.head_dim;
  const KvFormat& format = cache.format();
  UnrotatedKeys* unrotated = cache.unrotated();
  if (unrotated != nullptr && !unrotated->has(layer)) unrotated = nullptr;
  const auto norm = [&](float* head, const std::vector<float>& head_norm) {
    if (c.qk_norm) kernels_.rms_norm(head, head_norm.data(), c.rms_norm_eps, dim, head);
  };
  const auto turn = [&](float* head, size_t b) {
    rotate(head, table.cos.data() + b * half, table.sin.data() + b * half);
    if (format.key >= KvCode::kQ8) kernels_.hadamard(head, dim);
  };
  if (format.centered) begin_pages(layer, rows, first, cache);
  for_rows(rows, [&](size_t b) {
    const size_t slot = (first + b) % kPageKeys;
    for (size_t n = 0; n < c.num_heads; ++n) {
      float* q = q_BNH_.data() + (b * c.num_heads + n) * dim;
      norm(q, w.query_norm);
      turn(q, b);
    }
    for (size_t n = 0; n < c.num_kv_heads; ++n) {
      uint8_t* page = cache.page(first + b) + cache.offset(layer, n);
      float* k = k_BKH_.data() + (b * c.num_kv_heads + n) * dim;
      float* v = v_BKH_.data() + (b * c.num_kv_heads + n) * dim;
      norm(k, w.key_norm);
      if (unrotated != nullptr) {
        uint8_t* kept = unrotated->page(layer, n, first + b);
        kernels_.store_key(unrotated->format(), k, slot, kept);
        kernels_.dequantize(unrotated->dtype(), kept + slot * unrotated->key_bytes(), k, dim);
      }
      turn(k, b);
      kernels_.store_key(format, k, slot, page);
      if (format.value >= KvCode::kQ8) kernels_.hadamard(v, dim);
      kernels_.store_value(format, v, slot, page);
    }
  });
}

void Forward::rotate_again(size_t count, size_t rope_length, KvCache& cache) {
  assert(cache.unrotated() != nullptr);
  set_frequencies(rope_length);
  pool_.run(ceil_div(count, kPageKeys), [&](size_t p, int thread) {
    const size_t first = p * kPageKeys;
    rotate_page_again(first, std::min(kPageKeys, count - first), cache, scratch(thread));
  });
}

void Forward::rotate_page_again(size_t first, size_t rows, KvCache& cache, float* room) const {
  const size_t half = config_.rope.rotary_dim / 2, dim = config_.head_dim;
  const KvFormat& format = cache.format();
  UnrotatedKeys& unrotated = *cache.unrotated();
  float* cos = room;
  float* sin = cos + kPageKeys * half;
  float* center_cos = sin + kPageKeys * half;
  float* center_sin = center_cos + half;
  float* key = center_sin + half;
  rope_table(rope_.frequencies, first, rows, cos, sin);
  rope_table(rope_.frequencies, first + kPageKeys / 2, 1, center_cos, center_sin);
  for (size_t layer = 0; layer < config_.num_layers; ++layer) {
    if (!unrotated.has(layer)) continue;
    for (size_t n = 0; n < config_.num_kv_heads; ++n) {
      uint8_t* page = cache.page(first) + cache.offset(layer, n);
      const uint8_t* kept = unrotated.page(layer, n, first);
      if (format.centered) write_center(layer, n, center_cos, center_sin, page, format);
      for (size_t slot = 0; slot < rows; ++slot) {
        kernels_.dequantize(unrotated.dtype(), kept + slot * unrotated.key_bytes(), key, dim);
        rotate(key, cos + slot * half, sin + slot * half);
        if (format.key >= KvCode::kQ8) kernels_.hadamard(key, dim);
        kernels_.store_key(format, key, slot, page);
      }
    }
  }
}

AttentionArgs Forward::attention_args(size_t layer, size_t kv_head, size_t row, size_t rows, size_t first,
                                      const KvCache& cache) const {
  const size_t at = row * config_.query_size() + kv_head * group_of(config_) * config_.head_dim;
  AttentionArgs args;
  args.q = q_BNH_.data() + at;
  args.q_stride = config_.query_size();
  args.m = rows;
  args.group = group_of(config_);
  args.first_position = first + row;
  args.pages = cache.pages();
  args.page_offset = cache.offset(layer, kv_head);
  args.kv = cache.format();
  args.key_end = first + row + rows;
  args.window = is_local(layer) ? config_.sliding_window : 0;
  args.scale = config_.query_scale;
  return args;
}

void Forward::attend(size_t layer, size_t rows, size_t first, KvCache& cache) {
  const size_t tokens = tokens_of_query_block(config_), blocks = ceil_div(rows, tokens);
  const size_t heads = config_.num_kv_heads;
  pool_.run(blocks * heads, [&](size_t task, int thread) {
    const size_t b = (blocks - 1 - task / heads) * tokens;  // the longest rows first
    AttentionArgs args = attention_args(layer, task % heads, b, std::min(tokens, rows - b), first, cache);
    args.out = attended_BNH_.data() + (args.q - q_BNH_.data());
    args.out_stride = config_.query_size();
    args.scratch = scratch(thread);
    kernels_.attention(args);
  });
}

// A few tokens: ranges of keys are shared out among the threads, and what they give is merged.
void Forward::attend_in_ranges(size_t layer, size_t rows, size_t first, KvCache& cache) {
  const size_t heads = config_.num_kv_heads, group = group_of(config_), dim = config_.head_dim;
  const size_t end = first + rows, all_rows = rows * config_.num_heads;
  const size_t seen = attention_args(layer, 0, 0, rows, first, cache).first_visible(0);
  const size_t first_range = seen / kRangeKeys, ranges = ceil_div(end, kRangeKeys) - first_range;
  // [range][kv head][token][head of the group]
  const auto state_row = [&](size_t range, size_t head) { return range * all_rows + head * rows * group; };
  pool_.run(ranges * heads, [&](size_t task, int thread) {
    const size_t range = task / heads, head = task % heads, at = state_row(range, head);
    AttentionArgs args = attention_args(layer, head, 0, rows, first, cache);
    args.key_begin = (first_range + range) * kRangeKeys;
    args.key_end = std::min(end, args.key_begin + kRangeKeys);
    args.out = parts_SNH_.data() + at * dim;
    args.out_stride = group * dim;
    args.largest = largest_SN_.data() + at;
    args.sums = sums_SN_.data() + at;
    args.scratch = scratch(thread);
    kernels_.attention(args);
  });
  for_rows(rows, [&](size_t b) {
    for (size_t n = 0; n < config_.num_heads; ++n) {
      const size_t at = state_row(0, n / group) + b * group + n % group;
      merge_attention({.parts = parts_SNH_.data() + at * dim,
                       .part_stride = all_rows * dim,
                       .largest = largest_SN_.data() + at,
                       .sums = sums_SN_.data() + at,
                       .state_stride = all_rows,
                       .count = ranges,
                       .head_dim = dim,
                       .out = attended_BNH_.data() + (b * config_.num_heads + n) * dim});
    }
  });
}

void Forward::norm_row(const std::vector<float>& norm, size_t b) {
  const size_t width = config_.hidden_size;
  float* out = normed_BD_.data() + b * width;
  kernels_.rms_norm(x_BD_.data() + b * width, norm.data(), config_.rms_norm_eps, width, out);
  quantize_row(out, b, width);
}

void Forward::quantize_row(const float* row, size_t b, size_t width) {
  if (packed_ && width % kGroup == 0) kernels_.quantize_rows(row, width, b, 1, codes_.rows_of(width));
}

// x += post_norm(projected), and the input of what comes next.
void Forward::add_and_norm(const std::vector<float>& post_norm, const std::vector<float>& norm, size_t rows) {
  const size_t width = config_.hidden_size;
  for_rows(rows, [&](size_t b) {
    float* projected = projected_BD_.data() + b * width;
    if (!post_norm.empty())
      kernels_.rms_norm(projected, post_norm.data(), config_.rms_norm_eps, width, projected);
    kernels_.add(x_BD_.data() + b * width, projected, width);
    norm_row(norm, b);
  });
}

// What the rounding of the input left, where outliers made that much.
void Forward::refine(const float* in, size_t row, size_t rows, size_t width) {
  if (!packed_ || width % kGroup != 0 || !codes_.choose_refined(row, rows, width)) return;
  for_rows(rows, [&](size_t i) {
    const size_t b = row + i;
    const uint8_t* refined = codes_.refined() + (rows <= kFewTokens ? i * (width / kGroup) : 0);
    kernels_.quantize_rest(in + b * width, b, refined, codes_.rest(), codes_.rows_of(width));
  });
}

// All products of one input in one sharing-out. Columns are cut in pieces so small that threads end
// together, and with many rows as wide as the kernel's panels.
void Forward::multiply(const float* in, size_t row, size_t rows, std::initializer_list<Product> products) {
  refine(in, row, rows, products.begin()->weight->cols);
  size_t columns = 0;
  for (const Product& product : products) columns += product.weight->rows;
  const size_t share = ceil_div(columns, static_cast<size_t>(pool_.size()) * 4);
  const size_t step = rows <= kFewTokens ? ceil_div(share, 64) * 64 : kColumnBlock;
  size_t tasks = 0;
  for (const Product& product : products) tasks += ceil_div(product.weight->rows, step);
  pool_.run(tasks, [&](size_t task, int thread) {
    const Product* product = products.begin();
    for (; task >= ceil_div(product->weight->rows, step); ++product)
      task -= ceil_div(product->weight->rows, step);
    const size_t n = task * step;
    multiply_part(in, row, rows, *product, n, std::min(step, product->weight->rows - n), scratch(thread));
  });
}

// Columns [n, n + count) of one product, from the packed weights or as floats.
void Forward::multiply_part(const float* in, size_t row, size_t rows, const Product& product, size_t n,
                            size_t count, float* room) {
  const Matrix& w = *product.weight;
  const float* bias = product.bias != nullptr && !product.bias->empty() ? product.bias->data() + n : nullptr;
  if (w.panels != nullptr) {
    const PackedFormat format = *packed_format(w.dtype, w.cols);
    kernels_.matmul_packed({.a = codes_.rows_of(w.cols).from(row),
                            .refined = codes_.refined(),
                            .rest = codes_.rest(),
                            .m = rows,
                            .panels = w.panels + n / kPanelRows * packed_panel_bytes(format, w.cols),
                            .format = format,
                            .n = count,
                            .bias = bias,
                            .out = product.out + n,
                            .out_stride = w.rows,
                            .scratch = room});
    return;
  }
  kernels_.matmul({.a = in + row * w.cols,
                   .a_stride = w.cols,
                   .m = rows,
                   .k = w.cols,
                   .w = w.data + n * w.row_bytes,
                   .w_row_bytes = w.row_bytes,
                   .w_type = w.dtype,
                   .n = count,
                   .bias = bias,
                   .out = product.out + n,
                   .out_stride = w.rows,
                   .scratch = room});
}

void Forward::logits(size_t row, size_t count, float* out) {
  const std::vector<float>& scale = model_.weights.head_row_scale;
  multiply(normed_BD_.data(), row, count, {{&model_.weights.head, nullptr, out}});
  if (scale.empty()) return;
  for (size_t b = 0; b < count; ++b) {
    for (size_t v = 0; v < scale.size(); ++v) out[b * scale.size() + v] *= scale[v];
  }
}

}  // namespace longscroll
