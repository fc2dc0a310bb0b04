#include "engine/kv_cache.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "engine/page_count.h"

namespace longscroll {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"f32", "f16", "bf16", "q8", "k8v4", "q4"};

size_t page_bytes(const ModelConfig& config, const KvFormat& format) {
  return size_t{config.num_layers} * config.num_kv_heads * format.bytes();
}

}  // namespace

std::string_view kv_type_name(KvType type) {
  return kNames[static_cast<size_t>(type)];
}

KvType kv_type_from_name(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  assert(found != kNames.end());
  return static_cast<KvType>(found - kNames.begin());
}

KvType default_kv_type(const ModelConfig& config) {
  return kv_format(KvType::kQ8, config).supported() ? KvType::kQ8 : KvType::kF16;
}

KvFormat kv_format(KvType type, const ModelConfig& config) {
  const auto of = [&config](KvCode key, KvCode value) {
    const bool quantized = key == KvCode::kQ8 || key == KvCode::kQ4;
    return KvFormat{key, value, config.head_dim, quantized && config.key_bias};
  };
  switch (type) {
    case KvType::kF32:
      return of(KvCode::kF32, KvCode::kF32);
    case KvType::kF16:
      return of(KvCode::kF16, KvCode::kF16);
    case KvType::kBF16:
      return of(KvCode::kBF16, KvCode::kBF16);
    case KvType::kQ8:
      return of(KvCode::kQ8, KvCode::kQ8);
    case KvType::kK8V4:
      return of(KvCode::kQ8, KvCode::kQ4);
    case KvType::kQ4:
      return of(KvCode::kQ4, KvCode::kQ4);
  }
  return {};
}

uint64_t KvCache::bytes_for(const ModelConfig& config, size_t length, KvType type) {
  const KvFormat format = kv_format(type, config);
  const uint64_t unrotated =
      UnrotatedKeys::needed(config, length) ? UnrotatedKeys::bytes_for(config, length, format.key) : 0;
  return uint64_t{pages_for(length)} * page_bytes(config, format) + unrotated;
}

KvCache::KvCache(const ModelConfig& config, size_t max_length, KvType type)
    : format_(kv_format(type, config)),
      kv_heads_(config.num_kv_heads),
      max_length_(max_length),
      page_bytes_(page_bytes(config, format_)),
      memory_(pages_for(max_length) * page_bytes_, "KV cache",
              "read a shorter document, choose a smaller --kv, or close other programs") {
  for (size_t i = 0; i < pages_for(max_length); ++i) pages_.push_back(memory_.data() + i * page_bytes_);
  if (UnrotatedKeys::needed(config, max_length)) unrotated_.emplace(config, max_length, format_.key);
}

}  // namespace longscroll
