// What this machine can do at most with so many threads, as the kernels in use meet it, and what a model's
// reading and answering ask of it.
#pragma once

#include <optional>

#include "apps/common.h"

namespace longscroll {

struct MachineRoof {
  double f32_flops = 0;  // a second, all threads together
  std::optional<double> bf16_flops;
  double int8_ops = 0;
  double read_bytes = 0;  // a second, from memory
};

MachineRoof measure_roof(int threads);
Json describe_roof(const MachineRoof& roof);

// Floating point operations of reading `length` tokens: products, and attention over what is visible.
double prefill_operations(const Model& model, size_t length);

// Bytes of weights, keys and values that making one token at a depth reads.
double decode_bytes(const Model& model, KvType kv_type, size_t depth);

}  // namespace longscroll
