// From logits to the next id: penalties, temperature, truncation, draw. Same definitions and order as
// transformers' logits processors; deterministic from the seed.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "base/token_id.h"

namespace longscroll {

struct SamplingOptions {
  float temperature = 0.0f;         // 0: greedy
  uint32_t top_k = 0;               // 0: off
  float top_p = 1.0f;               // 1: off
  float min_p = 0.0f;               // 0: off
  float repetition_penalty = 1.0f;  // over prompt and answer (arXiv 1909.05858)
  float presence_penalty = 0.0f;    // over the answer
  float frequency_penalty = 0.0f;   // over the answer
  uint64_t seed = 0;
};

// Throws Error(kArgument) naming the option.
void validate(const SamplingOptions& options);

class Sampler {
 public:
  Sampler(const SamplingOptions& options, std::span<const TokenId> prompt, size_t vocab_size);

  // The next id; remembers it for the penalties. Ties go to the lowest id.
  TokenId next(std::span<const float> logits);

 private:
  void apply_penalties();
  TokenId draw();

  SamplingOptions options_;
  std::vector<uint8_t> seen_;        // [vocab] in prompt or answer
  std::vector<uint32_t> generated_;  // [vocab] times in the answer
  std::vector<float> scores_;
  std::vector<TokenId> order_;   // of the ids that may be drawn, the likeliest first
  std::vector<double> weights_;  // theirs
  std::mt19937_64 random_;
};

}  // namespace longscroll
