#include "engine/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
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
  std::vector<TokenId> order(scores_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<TokenId>(i);
  const auto before = [this](TokenId a, TokenId b) {
    const float x = scores_[static_cast<size_t>(a)], y = scores_[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  };
  if (options_.top_k > 0 && options_.top_k < order.size()) {
    std::partial_sort(order.begin(), order.begin() + options_.top_k, order.end(), before);
    order.resize(options_.top_k);
  } else {
    std::sort(order.begin(), order.end(), before);
  }
  std::vector<double> weights;
  const double largest = scores_[static_cast<size_t>(order[0])];
  double sum = 0;
  for (const TokenId id : order) {
    weights.push_back(std::exp((scores_[static_cast<size_t>(id)] - largest) / options_.temperature));
    sum += weights.back();
  }
  size_t kept = 0;
  double mass = 0;  // top-p keeps the fewest ids whose mass reaches it; min-p compares with the best, 1
  while (kept < order.size() &&
         (kept == 0 || (mass < options_.top_p * sum && weights[kept] >= options_.min_p))) {
    mass += weights[kept++];
  }
  double point = static_cast<double>(random_() >> 11) * 0x1p-53 * mass;
  for (size_t i = 0; i + 1 < kept; ++i) {
    if (point < weights[i]) return order[i];
    point -= weights[i];
  }
  return order[kept - 1];
}

}  // namespace longscroll
