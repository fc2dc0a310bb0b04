// Rotary position embedding: from a configuration to inverse frequencies and an attention scale.
// Training and inference both rotate by what this returns. No tensors here.
// Sources: RoFormer (arXiv 2104.09864), YaRN (2309.00071), transformers' modeling_rope_utils for the
// exact arithmetic of each scaling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

enum class RopeScaling { kNone, kLinear, kNtk, kDynamicNtk, kYarn, kLlama3 };

const char* to_string(RopeScaling scaling);
std::optional<RopeScaling> rope_scaling_from_name(std::string_view name);

struct RopeConfig {
  double base = 10000.0;    // rotary base, often called theta
  uint32_t rotary_dim = 0;  // even; the head dimension unless rotation is partial
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;                     // all but kNone
  uint32_t original_max_position = 0;      // kDynamicNtk, kYarn, kLlama3: the window trained before scaling
  double low_freq_factor = 1.0;            // kLlama3
  double high_freq_factor = 4.0;           // kLlama3
  double beta_fast = 32.0;                 // kYarn
  double beta_slow = 1.0;                  // kYarn
  bool truncate = true;                    // kYarn: round the correction range to whole dimensions
  std::optional<double> attention_factor;  // kYarn: overrides the computed attention scale
  std::optional<double> mscale;            // kYarn
  std::optional<double> mscale_all_dim;    // kYarn
  // kDynamicNtk over a KV cache: a cached key keeps the rotation of the length at which it was computed, as
  // in transformers. Else all keys are turned by the length so far (YaRN, 2309.00071, on dynamic scaling).
  bool keep_cached = false;
  // GGUF files may carry per-frequency divisors (rope_freqs.weight) instead of the llama3 parameters.
  std::vector<float> frequency_divisors;  // empty or rotary_dim / 2

  bool operator==(const RopeConfig&) const = default;
};

struct RopeFrequencies {
  std::vector<double> inv_freq;  // [rotary_dim / 2], radians a position
  double attention_scale = 1.0;  // cos and sin are multiplied by it
};

// Throws Error(kArgument) naming the field when the configuration cannot be.
void validate(const RopeConfig& config);

// `length` is the number of positions in use: only kDynamicNtk depends on it.
RopeFrequencies rope_frequencies(const RopeConfig& config, uint64_t length);

// cos and sin of position * inv_freq for consecutive positions, angles computed in double so that
// positions up to 131071 and beyond stay exact to float rounding.
// cos_TF and sin_TF: [count, rotary_dim / 2], row-major, scaled by attention_scale.
void rope_table(const RopeFrequencies& frequencies, uint64_t first_position, size_t count, float* cos_TF,
                float* sin_TF);

}  // namespace longscroll
