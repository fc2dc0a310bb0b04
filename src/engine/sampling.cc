#include "engine/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/error.h"

namespace longscroll {
namespace {

void require(bool holds, const char* option, const char* what, float found) {
  if (holds) return;
  throw Error(ErrorKind::kArgument, option, std::string(what) + ", found " + std::to_string(found));
}

}  // namespace

void validate(const SamplingOptions& o) {
  require(o.temperature >= 0 && std::isfinite(o.temperature), "temperature", "must be 0 or more",
          o.temperature);
  require(o.top_p > 0 && o.top_p <= 1, "top_p", "must be above 0 and at most 1", o.top_p);
  require(o.min_p >= 0 && o.min_p <= 1, "min_p", "must be between 0 and 1", o.min_p);
  require(o.repetition_penalty > 0 && std::isfinite(o.repetition_penalty), "repetition_penalty",
          "must be above 0", o.repetition_penalty);
  require(std::isfinite(o.presence_penalty), "presence_penalty", "must be a number", o.presence_penalty);
  require(std::isfinite(o.frequency_penalty), "frequency_penalty", "must be a number", o.frequency_penalty);
}

Sampler::Sampler(const SamplingOptions& options, std::span<const TokenId> prompt, size_t vocab_size)
    : options_(options),
      seen_(vocab_size),
      generated_(vocab_size),
      scores_(vocab_size),
      order_(options.temperature > 0 ? vocab_size : 0),
      weights_(order_.size()),
      random_(options.seed) {
  validate(options);
  for (const TokenId id : prompt) seen_[static_cast<size_t>(id)] = 1;
}

void Sampler::apply_penalties() {
  for (size_t id = 0; id < scores_.size(); ++id) {
    float& score = scores_[id];
    if (seen_[id])
      score = score < 0 ? score * options_.repetition_penalty : score / options_.repetition_penalty;
    if (generated_[id] > 0) {
      score -= options_.presence_penalty + options_.frequency_penalty * static_cast<float>(generated_[id]);
    }
  }
}

TokenId Sampler::next(std::span<const float> logits) {
  std::copy(logits.begin(), logits.end(), scores_.begin());
  apply_penalties();
  const auto best = std::max_element(scores_.begin(), scores_.end()) - scores_.begin();
  const TokenId id = options_.temperature == 0 ? static_cast<TokenId>(best) : draw();
  seen_[static_cast<size_t>(id)] = 1;
  ++generated_[static_cast<size_t>(id)];
  return id;
}

TokenId Sampler::draw() {
  const auto order = order_.begin();
  std::iota(order, order_.end(), 0);
  const auto before = [this](TokenId a, TokenId b) {
    const float x = scores_[static_cast<size_t>(a)], y = scores_[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  };
  size_t count = order_.size();
  if (options_.top_k > 0 && options_.top_k < count) {
    count = options_.top_k;
    std::partial_sort(order, order + options_.top_k, order_.end(), before);
  } else {
    std::sort(order, order_.end(), before);
  }
  const double largest = scores_[static_cast<size_t>(order_[0])];
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    weights_[i] = std::exp((scores_[static_cast<size_t>(order_[i])] - largest) / options_.temperature);
    sum += weights_[i];
  }
  size_t kept = 0;
  double mass = 0;  // top-p keeps the fewest ids whose mass reaches it; min-p compares with the best, 1
  while (kept < count && (kept == 0 || (mass < options_.top_p * sum && weights_[kept] >= options_.min_p))) {
    mass += weights_[kept++];
  }
  double point = static_cast<double>(random_() >> 11) * 0x1p-53 * mass;
  for (size_t i = 0; i + 1 < kept; ++i) {
    if (point < weights_[i]) return order_[i];
    point -= weights_[i];
  }
  return order_[kept - 1];
}

}  // namespace longscroll
