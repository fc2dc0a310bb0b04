// The arithmetic of the forward pass over raw pointers and sizes: one list of named kernel sets, one
// per instruction set, chosen at run time.
//
// Letters: M = rows of activations (tokens), K = input width, N = output width (weight rows),
//          T = keys in the cache, H = head dimension, R = M tokens x the heads that share a KV head.
// Every pointer may be unaligned. No kernel starts a thread, allocates or throws; threads call them on
// disjoint outputs. Each set is tested against "portable", the plain reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/dtype.h"
#include "kernels/kv_page.h"
#include "kernels/packed.h"

namespace longscroll {

// Up to this many tokens a call, a product's or attention's results for a token are the same to the last bit
// whichever tokens are computed with it: guesses of what follows can be checked in one batch with the token
// that is known, and change no answer. So no kernel may choose its way by the number of tokens below this.
inline constexpr size_t kFewTokens = 8;

// out_MN = a_MK · transpose(w_NK) + bias_N. `w` rows are stored as w_type, w_row_bytes apart.
struct MatmulArgs {
  const float* a = nullptr;
  size_t a_stride = 0;  // floats between rows of a
  size_t m = 0;
  size_t k = 0;  // a multiple of w_type's block
  const void* w = nullptr;
  size_t w_row_bytes = 0;
  DType w_type = DType::kF32;
  size_t n = 0;
  const float* bias = nullptr;  // [n] or null
  float* out = nullptr;
  size_t out_stride = 0;     // floats between rows of out
  float* scratch = nullptr;  // matmul_scratch_floats(m, k) floats, of this thread alone
};

// Causal attention of M tokens of the query heads that share one KV head, over keys [key_begin, key_end):
// out_RH = softmax(scale · q_RH · transpose(k_TH) + mask) · v_TH, by blocks with a running maximum. Row
// r = m · group + head of a token at position first_position + m sees keys at positions <= its own and, when
// window > 0, > its own - window.
struct AttentionArgs {
  const float* q = nullptr;
  size_t q_stride = 0;  // floats between tokens; the heads of a token follow each other
  size_t m = 0;
  size_t group = 1;
  size_t first_position = 0;
  const uint8_t* const* pages = nullptr;  // of kPageKeys positions each, from position 0
  size_t page_offset = 0;                 // of this layer's and KV head's keys and values in a page
  KvFormat kv;                            // head_dim at most kMaxHeadDim
  size_t key_begin = 0;                   // a multiple of kPageKeys
  size_t key_end = 0;
  size_t window = 0;  // 0: no window
  float scale = 1.0f;
  float* out = nullptr;
  size_t out_stride = 0;
  // [rows()] or null. Given: out is not divided by its sum, and each row's largest score and sum of
  // exp(score - largest) are left here, for merging with other ranges of keys. A row that sees no key of the
  // range has sum 0 and largest -infinity.
  float* largest = nullptr;
  float* sums = nullptr;
  float* scratch = nullptr;  // attention_scratch_floats() floats, of this thread alone

  size_t rows() const { return m * group; }
  size_t position(size_t row) const { return first_position + row / group; }
  const float* query(size_t row) const { return q + row / group * q_stride + row % group * kv.head_dim; }
  float* output(size_t row) const { return out + row / group * out_stride + row % group * kv.head_dim; }
  size_t first_visible(size_t row) const {
    return window != 0 && position(row) + 1 > window ? position(row) + 1 - window : 0;
  }
  const uint8_t* page(size_t position) const { return pages[position / kPageKeys] + page_offset; }
};

// Parts of one row, over ranges of keys that follow each other: out_H becomes the whole softmax.
struct MergeArgs {
  const float* parts = nullptr;  // [count][part_stride]
  size_t part_stride = 0;
  const float* largest = nullptr;  // [count][state_stride]
  const float* sums = nullptr;
  size_t state_stride = 0;
  size_t count = 0;
  size_t head_dim = 0;
  float* out = nullptr;
};
void merge_attention(const MergeArgs& args);

struct KernelSet {
  std::string_view name;         // "portable", "avx2", …
  std::string_view description;  // what the processor must have
  bool (*available)();
  // Over 8-bit and 4-bit keys, what tells queries of a head apart is rounded to bytes (for up to kFewTokens
  // tokens, whole queries to 16 bits), and weights to bytes.
  bool byte_queries = false;

  void (*dequantize)(DType type, const void* src, float* dst, size_t count);
  void (*matmul)(const MatmulArgs& args);
  // Signed bytes by groups of 32 columns: fills rows [row, row + m) of `out` from x_MK.
  void (*quantize_rows)(const float* x, size_t stride, size_t row, size_t m, const QuantizedRows& out);
  // What that left of row `row` in the groups with refined[g] != 0 ([G]), as row `row + rest`.
  void (*quantize_rest)(const float* x, size_t row, const uint8_t* refined, size_t rest,
                        const QuantizedRows& out);
  void (*matmul_packed)(const PackedMatmulArgs& args);
  void (*attention)(const AttentionArgs& args);
  // Position `slot` of one head's page.
  void (*store_key)(const KvFormat& format, const float* x, size_t slot, uint8_t* page);
  void (*store_value)(const KvFormat& format, const float* x, size_t slot, uint8_t* page);
  // x = x · H / sqrt(n), H the Hadamard matrix of n = the largest power of two that divides count: its own
  // inverse, it spreads an outlier over all dimensions.
  void (*hadamard)(float* x, size_t count);
  // out = x / sqrt(mean(x²) + eps) · weight. out may be x.
  void (*rms_norm)(const float* x, const float* weight, float eps, size_t count, float* out);
  // gate = activation(gate) · up
  void (*silu_mul)(float* gate, const float* up, size_t count);
  void (*gelu_tanh_mul)(float* gate, const float* up, size_t count);
  void (*add)(float* x, const float* y, size_t count);  // x += y
  // Rotates one head in place by cos_F, sin_F (F = rotary_dim / 2); dimensions past rotary_dim stay.
  // Half split: pairs (i, i + F), as transformers stores Llama.
  void (*rope_half_split)(float* head, const float* cos, const float* sin, size_t rotary_dim);
  // Interleaved: pairs (2i, 2i + 1), as GGUF stores the llama architecture.
  void (*rope_interleaved)(float* head, const float* cos, const float* sin, size_t rotary_dim);
  // The machine's roof as this set meets it: operations done in `rounds` rounds in registers. roof_bf16 is
  // null where the set does not multiply bf16.
  double (*roof_floats)(size_t rounds);
  double (*roof_bytes)(size_t rounds);
  double (*roof_bf16)(size_t rounds);
  void (*read_through)(const float* x, size_t count);
};

size_t matmul_scratch_floats(size_t m, size_t k);
size_t attention_scratch_floats(size_t rows, size_t group, size_t head_dim);

// All sets built into this binary, slowest first; some may not be available on this machine.
std::span<const KernelSet* const> all_kernel_sets();

// The set in use: the one that LONGSCROLL_ISA names, else the fastest available. Throws
// Error(kArgument) listing the names when LONGSCROLL_ISA names none or one that this machine lacks.
const KernelSet& kernels();

// By name, for tests and for forcing; same errors as kernels().
const KernelSet& kernel_set(std::string_view name);

}  // namespace longscroll
