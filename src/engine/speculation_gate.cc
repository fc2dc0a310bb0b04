#include "engine/speculation_gate.h"

#include <algorithm>

namespace longscroll {
namespace {

constexpr double kForget = 0.95;      // weight of what was seen, at each thing seen after it
constexpr double kMargin = 1.1;       // gain expected before guesses are checked
constexpr double kUsualCost = 0.08;   // of one more id in a pass, at its cheapest
constexpr size_t kAlone = 2;          // passes over one id before guesses: the first one finds caches cold
constexpr double kHighestCost = 1.5;  // a timing above it is another program's doing
constexpr double kLearn = 0.2;        // weight of a new timing
constexpr double kLearnFromOther = 0.05;  // of a pass over another number of ids
constexpr size_t kProbeAfter = 64;        // refusals, before costs are measured again

}  // namespace

// Before anything was seen: the longer the agreement, the likelier the guess.
SpeculationGate::SpeculationGate() {
  constexpr double kFirst[] = {0, 0.12, 0.3, 0.45, 0.55, 0.65, 0.7, 0.75, 0.8};
  for (size_t i = 0; i < rates_.size(); ++i) rates_[i] = {4 * kFirst[i], 4};
  for (size_t n = 0; n < usual_.size(); ++n) usual_[n] = 1 + kUsualCost * (static_cast<double>(n) - 1);
  costs_ = usual_;
}

void SpeculationGate::note_guess(size_t match_length, bool right) {
  Rate& rate = rates_[std::min(match_length, PromptLookup::kLongest)];
  rate.right = rate.right * kForget + (right ? 1 : 0);
  rate.all = rate.all * kForget + 1;
}

// The first timings count alike, later ones more than what was before.
void SpeculationGate::note_pass(size_t tokens, double seconds) {
  if (tokens == 1) {
    const double weight = std::max(kLearn, 1.0 / static_cast<double>(++timed_alone_));
    alone_ += weight * ((timed_alone_ == 1 ? seconds : std::min(seconds, 2 * alone_)) - alone_);
    return;
  }
  if (timed_alone_ == 0) return;
  const double one_more = (seconds / alone_ - 1) / static_cast<double>(tokens - 1);
  const double early = 1.0 / static_cast<double>(++timed_);
  for (size_t n = 2; n < costs_.size(); ++n) {
    const double cost = 1 + std::clamp(one_more, 0.0, kHighestCost) * static_cast<double>(n - 1);
    costs_[n] += std::max(n == tokens ? kLearn : kLearnFromOther, early) * (cost - costs_[n]);
  }
}

double SpeculationGate::rate(size_t match_length) const {
  const Rate& rate = rates_[std::min(match_length, PromptLookup::kLongest)];
  return rate.right / rate.all;
}

size_t SpeculationGate::best(size_t match_length, size_t most, const Costs& costs) const {
  size_t best = 0;
  double best_gain = kMargin, reached = 1, ids = 1;
  for (size_t guesses = 1; guesses <= most; ++guesses) {
    reached *= rate(match_length + guesses - 1);
    ids += reached;
    const double gain = ids / costs[1 + guesses];
    if (gain <= best_gain) continue;
    best_gain = gain;
    best = guesses;
  }
  return best;
}

size_t SpeculationGate::choose(size_t match_length, size_t most) {
  if (timed_alone_ < kAlone) return 0;  // nothing to compare with yet
  if (timed_ == 0) return std::min<size_t>(1, best(match_length, most, usual_));
  const size_t guesses = best(match_length, most, costs_);
  if (guesses > 0) refused_ = 0;
  if (guesses > 0 || best(match_length, most, usual_) == 0 || ++refused_ < kProbeAfter) return guesses;
  refused_ = 0;
  return 1;
}

}  // namespace longscroll
