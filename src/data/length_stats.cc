#include "data/length_stats.h"

#include <algorithm>

#include <fmt/format.h>

namespace longscroll::data {
namespace {

constexpr uint64_t kK = 1024;
constexpr uint64_t kEvenStep = 4 * kK;
constexpr uint64_t kLastEvenStep = 32 * kK;
constexpr uint64_t kLastStep = 128 * kK;

std::vector<LengthStep> empty_steps() {
  std::vector<LengthStep> steps;
  for (uint64_t above = 0; above < kLastEvenStep; above += kEvenStep)
    steps.push_back({above, above + kEvenStep, 0, 0});
  for (uint64_t above = kLastEvenStep; above < kLastStep; above *= 2)
    steps.push_back({above, 2 * above, 0, 0});
  steps.push_back({kLastStep, 0, 0, 0});
  return steps;
}

// The least length that `percent` of the documents do not exceed.
uint64_t percentile(const LengthCounts& counts, uint64_t documents, uint64_t percent) {
  const uint64_t rank = std::max<uint64_t>((documents * percent + 99) / 100, 1);
  uint64_t so_far = 0;
  for (const auto& [length, count] : counts) {
    so_far += count;
    if (so_far >= rank) return length;
  }
  return 0;
}

}  // namespace

std::string LengthStep::label() const {
  if (up_to == 0) return fmt::format("above {}K", above / kK);
  return above == 0 ? fmt::format("0-{}K", up_to / kK) : fmt::format("{}K-{}K", above / kK, up_to / kK);
}

LengthStats length_stats_of(const LengthCounts& counts) {
  LengthStats stats;
  stats.steps = empty_steps();
  auto step = stats.steps.begin();
  for (const auto& [length, count] : counts) {
    while (step->up_to != 0 && length > step->up_to) ++step;
    step->documents += count;
    step->tokens += length * count;
    stats.documents += count;
    stats.tokens += length * count;
    stats.longest = length;
  }
  stats.median = percentile(counts, stats.documents, 50);
  stats.p90 = percentile(counts, stats.documents, 90);
  stats.p99 = percentile(counts, stats.documents, 99);
  return stats;
}

LengthStats length_stats(const std::vector<uint64_t>& lengths) {
  LengthCounts counts;
  for (const uint64_t length : lengths) ++counts[length];
  return length_stats_of(counts);
}

}  // namespace longscroll::data
