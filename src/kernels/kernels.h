// The arithmetic of the forward pass over raw pointers and sizes: one list of named kernel sets, one
// per instruction set, chosen at run time.
//
// Letters: M = rows of activations (tokens), K = input width, N = output width (weight rows),
//          T = keys in the cache, H = head dimension.
// Every pointer may be unaligned. No kernel starts a thread, allocates or throws; threads call them on
// disjoint outputs. Each set is tested against "portable", the plain reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/dtype.h"

namespace longscroll {

inline constexpr size_t kMaxHeadDim = 256;  // what the attention kernels have room for

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

// Causal attention of one query head for M consecutive queries over the keys of its KV head:
// out_MH = softmax(scale · q_MH · transpose(k_TH) + mask) · v_TH, by blocks with a running maximum.
// The query of row i stands at position first_position + i and sees keys at positions <= its own and,
// when window > 0, > its own - window. Keys are stored from position 0; T >= first_position + m.
struct AttentionArgs {
  const float* q = nullptr;
  size_t q_stride = 0;  // floats between queries
  size_t m = 0;
  size_t first_position = 0;
  const void* k = nullptr;
  const void* v = nullptr;
  DType kv_type = DType::kF32;  // kF32 or kF16
  size_t kv_stride = 0;         // elements between positions
  size_t head_dim = 0;          // at most kMaxHeadDim
  size_t window = 0;            // 0: no window
  float scale = 1.0f;
  float* out = nullptr;
  size_t out_stride = 0;
  float* scratch = nullptr;  // attention_scratch_floats(m, head_dim) floats, of this thread alone
};

struct KernelSet {
  std::string_view name;         // "portable", "avx2", "avx512"
  std::string_view description;  // what the processor must have
  bool (*available)();

  void (*dequantize)(DType type, const void* src, float* dst, size_t count);
  void (*matmul)(const MatmulArgs& args);
  void (*attention)(const AttentionArgs& args);
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
  void (*float_to_f16)(const float* src, uint16_t* dst, size_t count);
  float (*max)(const float* x, size_t count);
};

size_t matmul_scratch_floats(size_t m, size_t k);
size_t attention_scratch_floats(size_t m, size_t head_dim);

// All sets built into this binary, slowest first; some may not be available on this machine.
std::span<const KernelSet* const> all_kernel_sets();

// The set in use: the one that LONGSCROLL_ISA names, else the fastest available. Throws
// Error(kArgument) listing the names when LONGSCROLL_ISA names none or one that this machine lacks.
const KernelSet& kernels();

// By name, for tests and for forcing; same errors as kernels().
const KernelSet& kernel_set(std::string_view name);

}  // namespace longscroll
