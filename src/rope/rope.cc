#include "rope/rope.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll {
namespace {

constexpr uint32_t kMaxRotaryDim = 65536;
constexpr double kTwoPi = 2.0 * std::numbers::pi;

constexpr std::array<std::pair<RopeScaling, const char*>, 6> kNames{{
    {RopeScaling::kNone, "none"},
    {RopeScaling::kLinear, "linear"},
    {RopeScaling::kNtk, "ntk"},
    {RopeScaling::kDynamicNtk, "dynamic"},
    {RopeScaling::kYarn, "yarn"},
    {RopeScaling::kLlama3, "llama3"},
}};

[[noreturn]] void fail(const char* field, const std::string& what) {
  throw Error(ErrorKind::kArgument, fmt::format("rope.{}", field), what);
}

void need_positive(const char* field, double value) {
  if (!std::isfinite(value) || value <= 0.0)
    fail(field, fmt::format("must be a positive number, is {}", value));
}

void validate_yarn(const RopeConfig& config) {
  need_positive("beta_fast", config.beta_fast);
  need_positive("beta_slow", config.beta_slow);
  if (config.beta_fast < config.beta_slow) {
    fail("beta_fast",
         fmt::format("must not be below beta_slow = {}, is {}", config.beta_slow, config.beta_fast));
  }
  if (config.attention_factor) need_positive("attention_factor", *config.attention_factor);
  for (const auto& [field, value] :
       {std::pair("mscale", config.mscale), std::pair("mscale_all_dim", config.mscale_all_dim)}) {
    if (value && (!std::isfinite(*value) || *value < 0.0)) {
      fail(field, fmt::format("must be a number of at least 0, is {}", *value));
    }
  }
}

void validate_llama3(const RopeConfig& config) {
  need_positive("low_freq_factor", config.low_freq_factor);
  need_positive("high_freq_factor", config.high_freq_factor);
  if (config.high_freq_factor <= config.low_freq_factor) {
    fail("high_freq_factor", fmt::format("must be above low_freq_factor = {}, is {}", config.low_freq_factor,
                                         config.high_freq_factor));
  }
  if (!config.frequency_divisors.empty()) {
    fail("frequency_divisors", "must be empty with llama3 scaling: they are the same scaling, given twice");
  }
}

void validate_divisors(const RopeConfig& config) {
  if (config.frequency_divisors.empty()) return;
  if (config.frequency_divisors.size() != config.rotary_dim / 2) {
    fail("frequency_divisors", fmt::format("must hold rotary_dim / 2 = {} values, has {}",
                                           config.rotary_dim / 2, config.frequency_divisors.size()));
  }
  for (float divisor : config.frequency_divisors) need_positive("frequency_divisors", divisor);
}

std::vector<double> base_frequencies(double base, uint32_t rotary_dim) {
  std::vector<double> inv_freq(rotary_dim / 2);
  for (size_t i = 0; i < inv_freq.size(); ++i) {
    inv_freq[i] = 1.0 / std::pow(base, static_cast<double>(2 * i) / rotary_dim);
  }
  return inv_freq;
}

// The base that stretches the lowest frequency by `stretch` and leaves the highest alone.
double ntk_base(const RopeConfig& config, double stretch) {
  const double dim = config.rotary_dim;
  return config.base * std::pow(stretch, dim / (dim - 2.0));
}

double dynamic_stretch(const RopeConfig& config, uint64_t length) {
  const double original = config.original_max_position;
  const double used = std::max(static_cast<double>(length), original);
  return config.factor * used / original - (config.factor - 1.0);
}

double yarn_mscale(double scale, double mscale) {
  return scale <= 1.0 ? 1.0 : 0.1 * mscale * std::log(scale) + 1.0;
}

double yarn_attention_scale(const RopeConfig& config) {
  if (config.attention_factor) return *config.attention_factor;
  const double mscale = config.mscale.value_or(0.0);
  const double all_dim = config.mscale_all_dim.value_or(0.0);
  if (mscale == 0.0 || all_dim == 0.0) return yarn_mscale(config.factor, 1.0);
  return yarn_mscale(config.factor, mscale) / yarn_mscale(config.factor, all_dim);
}

// The (fractional) index of the dimension that makes `rotations` turns within the original window.
double yarn_correction_dim(const RopeConfig& config, double rotations) {
  return config.rotary_dim * std::log(config.original_max_position / (rotations * kTwoPi)) /
         (2.0 * std::log(config.base));
}

// Dimensions that turn often keep their frequency, slow ones are interpolated, a ramp lies between.
void apply_yarn(const RopeConfig& config, std::vector<double>& inv_freq) {
  double low = yarn_correction_dim(config, config.beta_fast);
  double high = yarn_correction_dim(config, config.beta_slow);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, config.rotary_dim - 1.0);
  if (low == high) high += 0.001;
  for (size_t i = 0; i < inv_freq.size(); ++i) {
    const double interpolated = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    inv_freq[i] = inv_freq[i] / config.factor * interpolated + inv_freq[i] * (1.0 - interpolated);
  }
}

void apply_llama3(const RopeConfig& config, std::vector<double>& inv_freq) {
  const double window = config.original_max_position;
  const double low_freq_wavelength = window / config.low_freq_factor;
  const double high_freq_wavelength = window / config.high_freq_factor;
  for (double& frequency : inv_freq) {
    const double wavelength = kTwoPi / frequency;
    if (wavelength < high_freq_wavelength) continue;
    if (wavelength > low_freq_wavelength) {
      frequency /= config.factor;
      continue;
    }
    const double smooth =
        (window / wavelength - config.low_freq_factor) / (config.high_freq_factor - config.low_freq_factor);
    frequency = (1.0 - smooth) * frequency / config.factor + smooth * frequency;
  }
}

}  // namespace

const char* to_string(RopeScaling scaling) {
  for (const auto& [value, name] : kNames) {
    if (value == scaling) return name;
  }
  assert(false && "every scaling has a name");
  return "unknown";
}

std::optional<RopeScaling> rope_scaling_from_name(std::string_view name) {
  if (name == "default") return RopeScaling::kNone;
  for (const auto& [value, known] : kNames) {
    if (name == known) return value;
  }
  return std::nullopt;
}

void validate(const RopeConfig& config) {
  if (config.rotary_dim < 2 || config.rotary_dim % 2 != 0 || config.rotary_dim > kMaxRotaryDim) {
    fail("rotary_dim", fmt::format("must be even, 2 to {}, is {}", kMaxRotaryDim, config.rotary_dim));
  }
  if (!std::isfinite(config.base) || config.base <= 1.0) {
    fail("base", fmt::format("must be a number above 1, is {}", config.base));
  }
  validate_divisors(config);
  if (config.scaling == RopeScaling::kNone) return;
  need_positive("factor", config.factor);
  const bool ntk = config.scaling == RopeScaling::kNtk || config.scaling == RopeScaling::kDynamicNtk;
  if (ntk && config.rotary_dim < 4) {
    fail("rotary_dim", fmt::format("must be at least 4 with NTK scaling, is {}", config.rotary_dim));
  }
  const bool needs_window = config.scaling == RopeScaling::kDynamicNtk ||
                            config.scaling == RopeScaling::kYarn || config.scaling == RopeScaling::kLlama3;
  if (needs_window && config.original_max_position == 0) {
    fail("original_max_position", fmt::format("must be given with {} scaling", to_string(config.scaling)));
  }
  if (config.scaling == RopeScaling::kYarn) validate_yarn(config);
  if (config.scaling == RopeScaling::kLlama3) validate_llama3(config);
}

RopeFrequencies rope_frequencies(const RopeConfig& config, uint64_t length) {
  validate(config);
  double base = config.base;
  if (config.scaling == RopeScaling::kNtk) base = ntk_base(config, config.factor);
  if (config.scaling == RopeScaling::kDynamicNtk) base = ntk_base(config, dynamic_stretch(config, length));

  RopeFrequencies result{base_frequencies(base, config.rotary_dim), 1.0};
  if (config.scaling == RopeScaling::kLinear) {
    for (double& frequency : result.inv_freq) frequency /= config.factor;
  } else if (config.scaling == RopeScaling::kYarn) {
    apply_yarn(config, result.inv_freq);
    result.attention_scale = yarn_attention_scale(config);
  } else if (config.scaling == RopeScaling::kLlama3) {
    apply_llama3(config, result.inv_freq);
  }
  for (size_t i = 0; i < config.frequency_divisors.size(); ++i) {
    result.inv_freq[i] /= config.frequency_divisors[i];
  }
  return result;
}

void rope_table(const RopeFrequencies& frequencies, uint64_t first_position, size_t count, float* cos_TF,
                float* sin_TF) {
  const size_t width = frequencies.inv_freq.size();
  const double scale = frequencies.attention_scale;
  for (size_t t = 0; t < count; ++t) {
    const auto position = static_cast<double>(first_position + t);
    for (size_t i = 0; i < width; ++i) {
      const double angle = position * frequencies.inv_freq[i];
      cos_TF[t * width + i] = static_cast<float>(std::cos(angle) * scale);
      sin_TF[t * width + i] = static_cast<float>(std::sin(angle) * scale);
    }
  }
}

}  // namespace longscroll
