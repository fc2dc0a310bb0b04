#include "corpus/clusters.h"

#include <numeric>
#include <utility>

namespace longscroll::corpus {

Clusters::Clusters(std::vector<uint32_t> lengths) : lengths_(std::move(lengths)), parents_(lengths_.size()) {
  std::iota(parents_.begin(), parents_.end(), 0u);
}

bool Clusters::is_better(uint32_t a, uint32_t b) const {
  return lengths_[a] != lengths_[b] ? lengths_[a] > lengths_[b] : a < b;
}

// Each document on the way is hung one higher, which is all that paths need to stay short.
uint32_t Clusters::kept(uint32_t document) {
  while (parents_[document] != document) {
    parents_[document] = parents_[parents_[document]];
    document = parents_[document];
  }
  return document;
}

void Clusters::join(uint32_t a, uint32_t b) {
  a = kept(a);
  b = kept(b);
  if (a == b) return;
  if (is_better(b, a)) std::swap(a, b);
  parents_[b] = a;
}

}  // namespace longscroll::corpus
