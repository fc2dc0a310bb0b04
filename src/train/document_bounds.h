// Where the documents of a pack begin and end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace longscroll::train {

struct DocumentBounds {
  std::vector<int64_t> edges;  // document d is positions edges[d] to edges[d + 1] - 1; the last edge is T
  at::Tensor device_edges;     // the same as int32 on the device, for attention on CUDA; else undefined

  int64_t count() const { return static_cast<int64_t>(edges.size()) - 1; }
  int64_t begin(int64_t d) const { return edges[d]; }
  int64_t length(int64_t d) const { return edges[d + 1] - edges[d]; }
  int64_t tokens() const { return edges.back(); }
  int64_t longest() const {
    int64_t most = 0;
    for (int64_t d = 0; d < count(); ++d) most = std::max(most, length(d));
    return most;
  }
};

}  // namespace longscroll::train
