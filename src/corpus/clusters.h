// Which documents are one: pairs to clusters, of each of which the longest document stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace longscroll::corpus {

// Union and find over documents by number, 8 bytes each. The result does not depend on the order of pairs.
// Not thread safe.
class Clusters {
 public:
  explicit Clusters(std::vector<uint32_t> lengths);  // bytes of each document's text

  void join(uint32_t a, uint32_t b);
  // The document that stays in its place: the longest of its cluster, of equals the first.
  uint32_t kept(uint32_t document);

  size_t size() const { return parents_.size(); }

 private:
  bool is_better(uint32_t a, uint32_t b) const;

  std::vector<uint32_t> lengths_;
  std::vector<uint32_t> parents_;
};

}  // namespace longscroll::corpus
