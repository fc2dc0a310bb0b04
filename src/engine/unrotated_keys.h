// Keys as they are before rotation, for a rope whose frequencies follow the length of the text (Dynamic NTK):
// each time the text grows, all cached keys are turned from here by the new frequencies, as YaRN (arXiv
// 2309.00071) says of dynamic scaling over a KV cache. Only of layers that such a rope turns: not of those
// with a sliding window.
//
// In pages as the KV cache has them, [layer][kv head][kPageKeys][H], in the KV type's floats, or f16 where
// that has bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/anonymous_memory.h"
#include "base/dtype.h"
#include "kernels/kv_page.h"
#include "model/config.h"

namespace longscroll {

class UnrotatedKeys {
 public:
  // Whether a session of this model and length keeps them: up to the trained window nothing is turned again.
  static bool needed(const ModelConfig& config, size_t max_length) {
    return config.rope.scaling == RopeScaling::kDynamicNtk && !config.rope.keep_cached &&
           max_length > config.rope.original_max_position;
  }

  // `keys` is how the KV cache stores them. Throws Error(kResource) when the address space cannot be had.
  UnrotatedKeys(const ModelConfig& config, size_t max_length, KvCode keys);

  bool has(size_t layer) const { return places_[layer] != kNone; }
  const KvFormat& format() const { return format_; }  // of key(): floats, [kPageKeys][H]
  DType dtype() const { return dtype_; }
  size_t key_bytes() const { return key_bytes_; }

  // The keys of one layer and KV head in the page of `position`.
  uint8_t* page(size_t layer, size_t kv_head, size_t position) {
    const size_t place = places_[layer] * kv_heads_ + kv_head;
    return memory_.data() + position / kPageKeys * page_bytes_ + place * kPageKeys * key_bytes_;
  }

  static uint64_t bytes_for(const ModelConfig& config, size_t length, KvCode keys);

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  KvFormat format_;
  DType dtype_;
  size_t kv_heads_, key_bytes_, page_bytes_ = 0;
  std::vector<size_t> places_;  // [layers]
  AnonymousMemory memory_;
};

}  // namespace longscroll
