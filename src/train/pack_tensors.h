// A pack as the model computes it: checked, and without what no loss depends on.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "data/pack.h"
#include "train/document_bounds.h"

namespace longscroll::train {

// All int64. T tokens that are computed, P of them with a target.
struct PackTensors {
  at::Tensor ids;      // [T]
  at::Tensor targets;  // [P] ids to predict
  at::Tensor places;   // [P] where they are predicted; undefined: everywhere
  DocumentBounds documents;
};

enum class Extent {
  kNeeded,  // documents end with their last target; those without one, such as padding, are left out
  kWhole,   // positions are the pack's own
};

// A pack without any target is taken whole. Throws Error(kArgument) when the parts of the pack contradict
// each other or an id lies outside the vocabulary.
PackTensors pack_tensors(const data::Pack& pack, uint32_t vocab_size, at::Device device, Extent extent);

}  // namespace longscroll::train
