// The same rotation in the words of another file format. No arithmetic of its own: rope_frequencies()
// decides what a configuration means.
#pragma once

#include <optional>
#include <vector>

#include "rope/rope.h"

namespace longscroll {

// What GGUF stores instead of llama3's parameters: by how much each frequency is divided.
// `config` has kLlama3 scaling. [rotary_dim / 2]
std::vector<float> llama3_divisors(const RopeConfig& config);

// The llama3 parameters that give the divisors of `config`, which fit several: first a factor for the
// slowest frequencies, then the published low and high factors 1 and 4 and a window that is a power of two.
// nullopt when no such parameters come within 1e-4 of every divisor.
std::optional<RopeConfig> llama3_from_divisors(const RopeConfig& config);

// NTK scaling is a larger base and nothing else.
RopeConfig with_ntk_in_base(const RopeConfig& config);

}  // namespace longscroll
