#include "engine/unrotated_keys.h"

#include "engine/page_count.h"

namespace longscroll {
namespace {

KvCode floats_of(KvCode keys) {
  return keys >= KvCode::kQ8 ? KvCode::kF16 : keys;
}

DType dtype_of(KvCode floats) {
  if (floats == KvCode::kF32) return DType::kF32;
  return floats == KvCode::kBF16 ? DType::kBF16 : DType::kF16;
}

bool is_turned_by_length(const ModelConfig& config, size_t layer) {
  return config.layer_local.empty() || config.layer_local[layer] == 0;
}

size_t key_bytes_of(const ModelConfig& config, KvCode keys) {
  return config.head_dim * (floats_of(keys) == KvCode::kF32 ? sizeof(float) : sizeof(uint16_t));
}

}  // namespace

uint64_t UnrotatedKeys::bytes_for(const ModelConfig& config, size_t length, KvCode keys) {
  uint64_t layers = 0;
  for (size_t layer = 0; layer < config.num_layers; ++layer)
    layers += is_turned_by_length(config, layer) ? 1 : 0;
  return uint64_t{pages_for(length)} * kPageKeys * layers * config.num_kv_heads * key_bytes_of(config, keys);
}

UnrotatedKeys::UnrotatedKeys(const ModelConfig& config, size_t max_length, KvCode keys)
    : format_{floats_of(keys), floats_of(keys), config.head_dim, false},
      dtype_(dtype_of(format_.key)),
      kv_heads_(config.num_kv_heads),
      key_bytes_(key_bytes_of(config, keys)),
      memory_(bytes_for(config, max_length, keys), "keys before rotation",
              "read a shorter document, or take another --rope than dynamic-ntk") {
  size_t layers = 0;
  for (size_t layer = 0; layer < config.num_layers; ++layer)
    places_.push_back(is_turned_by_length(config, layer) ? layers++ : kNone);
  page_bytes_ = layers * kv_heads_ * kPageKeys * key_bytes_;
}

}  // namespace longscroll
