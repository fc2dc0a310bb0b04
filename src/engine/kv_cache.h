// Keys and values of one session, [layer][kv head][position][head_dim] in f16 or f32. Address space is
// taken at once; memory only as positions are written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"
#include "model/config.h"

namespace longscroll {

class KvCache {
 public:
  // Throws Error(kResource) when the address space cannot be had.
  KvCache(const ModelConfig& config, size_t max_length, DType type);
  ~KvCache();
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  std::byte* key(size_t layer, size_t kv_head, size_t position) { return at(2 * layer, kv_head, position); }
  std::byte* value(size_t layer, size_t kv_head, size_t position) {
    return at(2 * layer + 1, kv_head, position);
  }
  DType type() const { return type_; }
  size_t max_length() const { return max_length_; }

  static uint64_t bytes_for(const ModelConfig& config, size_t length, DType type);

 private:
  std::byte* at(size_t plane, size_t kv_head, size_t position) {
    return data_ + ((plane * kv_heads_ + kv_head) * max_length_ + position) * row_bytes_;
  }

  size_t kv_heads_, max_length_, row_bytes_;
  DType type_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace longscroll
