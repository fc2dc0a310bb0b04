#include "model/config.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

// Far above any published model: bounds against files that lie, and so that products fit in 64 bits.
constexpr uint32_t kMaxVocab = 1u << 24;
constexpr uint32_t kMaxWidth = 1u << 20;
constexpr uint32_t kMaxLayers = 1024;
constexpr uint32_t kMaxHeads = 4096;
constexpr uint32_t kMaxHeadDim = 4096;
constexpr uint32_t kMaxWindow = 1u << 30;

class Checker {
 public:
  explicit Checker(std::string_view where) : where_(where) {}

  void size(const char* field, uint32_t value, uint32_t most) const {
    if (value < 1 || value > most) fail(field, fmt::format("must be 1 to {}, is {}", most, value));
  }

  void positive(const char* field, float value) const {
    if (!std::isfinite(value) || value <= 0.0f)
      fail(field, fmt::format("must be a positive number, is {}", value));
  }

  void rope(const char* field, const RopeConfig& config, uint32_t head_dim) const {
    try {
      longscroll::validate(config);
    } catch (const Error& error) {
      fail(field, error.what());
    }
    if (config.rotary_dim > head_dim) {
      fail(field,
           fmt::format("rotary_dim must be at most head_dim = {}, is {}", head_dim, config.rotary_dim));
    }
  }

  [[noreturn]] void fail(const char* field, const std::string& what) const {
    throw Error(ErrorKind::kFile, std::string(where_), fmt::format("{}: {}", field, what));
  }

 private:
  std::string_view where_;
};

void validate_layers(const ModelConfig& config, const Checker& check) {
  if (config.layer_local.size() != config.num_layers) {
    check.fail("layer_types",
               fmt::format("must name {} layers, names {}", config.num_layers, config.layer_local.size()));
  }
  const bool any_local = std::any_of(config.layer_local.begin(), config.layer_local.end(),
                                     [](uint8_t local) { return local != 0; });
  if (any_local && config.sliding_window == 0) {
    check.fail("sliding_window", "must be given when layers use it, is 0");
  }
}

}  // namespace

void validate(const ModelConfig& config, std::string_view where) {
  const Checker check(where);
  check.size("vocab_size", config.vocab_size, kMaxVocab);
  check.size("hidden_size", config.hidden_size, kMaxWidth);
  check.size("num_layers", config.num_layers, kMaxLayers);
  check.size("num_heads", config.num_heads, kMaxHeads);
  check.size("num_kv_heads", config.num_kv_heads, kMaxHeads);
  check.size("head_dim", config.head_dim, kMaxHeadDim);
  check.size("ffn_size", config.ffn_size, kMaxWidth);
  check.size("max_position", config.max_position, kMaxWindow);
  if (config.num_heads % config.num_kv_heads != 0) {
    check.fail("num_kv_heads",
               fmt::format("must divide num_heads = {}, is {}", config.num_heads, config.num_kv_heads));
  }
  check.positive("rms_norm_eps", config.rms_norm_eps);
  check.positive("embedding_scale", config.embedding_scale);
  check.positive("query_scale", config.query_scale);
  check.rope("rope", config.rope, config.head_dim);
  check.rope("rope_local", config.rope_local, config.head_dim);
  validate_layers(config, check);
}

}  // namespace longscroll
