#include "engine/kv_cache.h"

#include <sys/mman.h>

#include <string>

#include "base/error.h"

namespace longscroll {

uint64_t KvCache::bytes_for(const ModelConfig& config, size_t length, DType type) {
  return uint64_t{2} * config.num_layers * config.kv_size() * length * dtype_info(type).block_bytes;
}

KvCache::KvCache(const ModelConfig& config, size_t max_length, DType type)
    : kv_heads_(config.num_kv_heads),
      max_length_(max_length),
      row_bytes_(config.head_dim * dtype_info(type).block_bytes),
      type_(type),
      size_(bytes_for(config, max_length, type)) {
  void* mapped =
      ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    throw Error(ErrorKind::kResource, "KV cache",
                "room for " + std::to_string(max_length) + " tokens is needed, " +
                    std::to_string(size_ >> 20) + " MiB could not be had",
                "read a shorter document, or close other programs");
  }
  data_ = static_cast<std::byte*>(mapped);
}

KvCache::~KvCache() {
  ::munmap(data_, size_);
}

}  // namespace longscroll
