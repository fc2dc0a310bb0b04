// Documents of all shards counted through: what tables of a whole corpus are indexed by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "corpus/text_document.h"

namespace longscroll::corpus {

class DocumentNumbers {
 public:
  struct Place {
    size_t shard = 0;
    uint32_t number = 0;  // in the shard
  };

  // `reports`: of each shard, with its number of "documents". Throws Error(kUnsupported) when there are 2^32
  // documents or more.
  explicit DocumentNumbers(const std::vector<Json>& reports);

  uint32_t first(size_t shard) const { return first_[shard]; }
  uint32_t count() const { return first_.back(); }
  Place place(uint32_t document) const;

 private:
  std::vector<uint32_t> first_;  // of each shard, and behind the last
};

}  // namespace longscroll::corpus
