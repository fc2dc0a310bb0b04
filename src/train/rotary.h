// Rotary positions of a pack: tables from rope/, and the rotation with its gradient.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rope/rope.h"
#include "train/document_bounds.h"

namespace longscroll::train {

// Of one pack: float32 [T, rotary_dim / 2] each. Positions begin at 0 in every document.
struct RotaryTable {
  at::Tensor cos, sin;
};

// Angles are computed in double, once for each length that is longer than all before; only dynamic NTK, whose
// frequencies depend on the document's length, is computed for each document anew. Not thread safe.
class RotaryTables {
 public:
  RotaryTables() = default;
  RotaryTables(const RopeConfig& config, at::Device device) : config_(config), device_(device) {}

  RotaryTable table_of(const DocumentBounds& documents);

 private:
  // Positions 0 to count - 1 with the frequencies of a document of `length`, on the CPU.
  RotaryTable compute(int64_t count, int64_t length) const;

  RopeConfig config_;
  at::Device device_ = at::kCPU;
  RotaryTable known_;  // positions from 0 on, on the CPU
};

// x [T, heads, head_dim]: pairs are (i, i + rotary_dim / 2); what lies beyond rotary_dim stays. Computed in
// float32 and rounded once to x's type.
at::Tensor rotate(const at::Tensor& x, const RotaryTable& table);

}  // namespace longscroll::train
