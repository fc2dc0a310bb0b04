#include "data/length_stats.h"

#include <algorithm>
#include <numeric>

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

// `sorted` is not empty; the least length that `percent` of the documents do not exceed.
uint64_t percentile(const std::vector<uint64_t>& sorted, uint64_t percent) {
  const uint64_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<uint64_t>(rank, 1) - 1];
}

}  // namespace

std::string LengthStep::label() const {
  if (up_to == 0) return fmt::format("above {}K", above / kK);
  return above == 0 ? fmt::format("0-{}K", up_to / kK) : fmt::format("{}K-{}K", above / kK, up_to / kK);
}

LengthStats length_stats(std::vector<uint64_t> lengths) {
  LengthStats stats;
  stats.steps = empty_steps();
  if (lengths.empty()) return stats;
  std::sort(lengths.begin(), lengths.end());
  stats.documents = lengths.size();
  stats.tokens = std::accumulate(lengths.begin(), lengths.end(), uint64_t{0});
  stats.median = percentile(lengths, 50);
  stats.p90 = percentile(lengths, 90);
  stats.p99 = percentile(lengths, 99);
  stats.longest = lengths.back();
  auto step = stats.steps.begin();
  for (const uint64_t length : lengths) {
    while (step->up_to != 0 && length > step->up_to) ++step;
    ++step->documents;
    step->tokens += length;
  }
  return stats;
}

}  // namespace longscroll::data
