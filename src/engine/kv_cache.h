// Keys and values of one session in pages of kPageKeys positions. A page holds all layers and KV heads of its
// positions, [layer][kv head] of kernels/kv_page.h, and knows nothing of the session that made it: its bytes
// follow from the model, the format and the tokens. Memory is taken only as pages are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/anonymous_memory.h"
#include "engine/unrotated_keys.h"
#include "kernels/kv_page.h"
#include "model/config.h"

namespace longscroll {

// How a session keeps keys and values: "f32", "f16", "bf16", "q8" (8 bits a number), "k8v4" (keys 8, values
// 4), "q4".
enum class KvType { kF32, kF16, kBF16, kQ8, kK8V4, kQ4 };
std::string_view kv_type_name(KvType type);
KvType kv_type_from_name(std::string_view name);  // of one that is known
// The smallest that keeps answers as they are (docs/benchmarks has the measurements): q8 where heads allow
// it.
KvType default_kv_type(const ModelConfig& config);
// Quantised keys of a model that adds a bias to them are centered: the bias, rotated to the middle of the
// page, is most of what they are.
KvFormat kv_format(KvType type, const ModelConfig& config);

class KvCache {
 public:
  // Throws Error(kResource) when the address space cannot be had.
  KvCache(const ModelConfig& config, size_t max_length, KvType type);

  const KvFormat& format() const { return format_; }
  size_t max_length() const { return max_length_; }

  // Of one layer and KV head, within each page.
  size_t offset(size_t layer, size_t kv_head) const {
    return (layer * kv_heads_ + kv_head) * format_.bytes();
  }
  const uint8_t* const* pages() const { return pages_.data(); }
  uint8_t* page(size_t position) { return memory_.data() + position / kPageKeys * page_bytes_; }

  // Null where no key is ever turned again.
  UnrotatedKeys* unrotated() { return unrotated_ ? &*unrotated_ : nullptr; }

  static uint64_t bytes_for(const ModelConfig& config, size_t length, KvType type);

 private:
  KvFormat format_;
  size_t kv_heads_, max_length_, page_bytes_;
  AnonymousMemory memory_;
  std::vector<const uint8_t*> pages_;
  std::optional<UnrotatedKeys> unrotated_;
};

}  // namespace longscroll
