#include "data/length_stats.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace longscroll::data {
namespace {

const LengthStep& step_of(const LengthStats& stats, const std::string& label) {
  for (const LengthStep& step : stats.steps) {
    if (step.label() == label) return step;
  }
  throw std::runtime_error("no step " + label);
}

TEST(LengthStats, StepsAre4KWideUpTo32KAndDoubleBeyond) {
  const LengthStats stats = length_stats({});
  std::vector<std::string> labels;
  for (const LengthStep& step : stats.steps) labels.push_back(step.label());
  EXPECT_EQ(labels, (std::vector<std::string>{"0-4K", "4K-8K", "8K-12K", "12K-16K", "16K-20K", "20K-24K",
                                              "24K-28K", "28K-32K", "32K-64K", "64K-128K", "above 128K"}));
  EXPECT_EQ(stats.documents, 0U);
}

TEST(LengthStats, ALengthBelongsToTheStepThatEndsWithIt) {
  const LengthStats stats = length_stats({4096, 4097, 32768, 32769, 131072, 131073, 1});
  EXPECT_EQ(step_of(stats, "0-4K").documents, 2U);
  EXPECT_EQ(step_of(stats, "0-4K").tokens, 4097U);
  EXPECT_EQ(step_of(stats, "4K-8K").documents, 1U);
  EXPECT_EQ(step_of(stats, "28K-32K").documents, 1U);
  EXPECT_EQ(step_of(stats, "32K-64K").documents, 1U);
  EXPECT_EQ(step_of(stats, "64K-128K").documents, 1U);
  EXPECT_EQ(step_of(stats, "above 128K").tokens, 131073U);
}

TEST(LengthStats, EveryDocumentAndTokenIsCountedOnce) {
  std::vector<uint64_t> lengths;
  uint64_t sum = 0;
  for (uint64_t i = 1; i <= 1000; ++i) sum += lengths.emplace_back(i * 173 % 200'000 + 1);
  const LengthStats stats = length_stats(lengths);
  uint64_t documents = 0;
  uint64_t tokens = 0;
  for (const LengthStep& step : stats.steps) {
    documents += step.documents;
    tokens += step.tokens;
  }
  EXPECT_EQ(documents, 1000U);
  EXPECT_EQ(tokens, sum);
  EXPECT_EQ(stats.tokens, sum);
}

TEST(LengthStats, PercentilesAreByNearestRank) {
  std::vector<uint64_t> lengths;
  for (uint64_t i = 200; i >= 1; --i) lengths.push_back(i);
  const LengthStats stats = length_stats(lengths);
  EXPECT_EQ(stats.median, 100U);
  EXPECT_EQ(stats.p90, 180U);
  EXPECT_EQ(stats.p99, 198U);
  EXPECT_EQ(stats.longest, 200U);
  EXPECT_EQ(length_stats({7}).median, 7U);
}

}  // namespace
}  // namespace longscroll::data
