#include "rope/rope_forms.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace longscroll {
namespace {

constexpr double kPublishedLow = 1.0;
constexpr double kPublishedHigh = 4.0;
constexpr uint32_t kSmallestWindow = 512;
constexpr uint32_t kLargestWindow = 1u << 20;
constexpr float kTolerance = 1e-4f;  // converters compute divisors in float32; windows differ by far more

RopeConfig unscaled(const RopeConfig& config) {
  RopeConfig plain;
  plain.base = config.base;
  plain.rotary_dim = config.rotary_dim;
  return plain;
}

bool near(const std::vector<float>& found, const std::vector<float>& wanted) {
  return std::equal(found.begin(), found.end(), wanted.begin(), wanted.end(),
                    [](float a, float b) { return std::fabs(a - b) <= kTolerance * b; });
}

}  // namespace

std::vector<float> llama3_divisors(const RopeConfig& config) {
  assert(config.scaling == RopeScaling::kLlama3);
  const auto plain = rope_frequencies(unscaled(config), 0).inv_freq;
  const auto scaled = rope_frequencies(config, 0).inv_freq;
  std::vector<float> divisors(plain.size());
  for (size_t i = 0; i < plain.size(); ++i) divisors[i] = static_cast<float>(plain[i] / scaled[i]);
  return divisors;
}

std::optional<RopeConfig> llama3_from_divisors(const RopeConfig& config) {
  const std::vector<float>& divisors = config.frequency_divisors;
  if (config.scaling != RopeScaling::kNone || divisors.empty()) return std::nullopt;
  RopeConfig candidate = unscaled(config);
  candidate.scaling = RopeScaling::kLlama3;
  candidate.factor = *std::max_element(divisors.begin(), divisors.end());
  candidate.low_freq_factor = kPublishedLow;
  candidate.high_freq_factor = kPublishedHigh;
  for (uint32_t window = kSmallestWindow; window <= kLargestWindow; window *= 2) {
    candidate.original_max_position = window;
    if (near(llama3_divisors(candidate), divisors)) return candidate;
  }
  return std::nullopt;
}

RopeConfig with_ntk_in_base(const RopeConfig& config) {
  assert(config.scaling == RopeScaling::kNtk);
  // The second frequency of all is base^(-2 / rotary_dim).
  const double second = rope_frequencies(config, 0).inv_freq.at(1);
  RopeConfig plain = unscaled(config);
  plain.base = std::pow(second, -static_cast<double>(config.rotary_dim) / 2.0);
  return plain;
}

}  // namespace longscroll
