#include "report/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "report/scores.h"
#include "report/test_runs.h"

namespace longscroll::report {
namespace {

class Compare : public testing::Test {
 protected:
  report::Run run(const std::string& name, const std::vector<Json>& records,
                  const std::string& suite = "longbench") {
    write_run(folder_.path() / name, test_manifest(suite, records.size()), lines_of(records));
    return read_run(folder_.path() / name);
  }
  test::TempFolder folder_;
};

std::vector<Json> items(const std::string& task, const std::vector<double>& scores) {
  std::vector<Json> records;
  for (size_t i = 0; i < scores.size(); ++i)
    records.push_back(test_record(task, std::to_string(i), scores[i]));
  return records;
}

TEST_F(Compare, TakesTheDifferenceOverMatchedItemsAlone) {
  const report::Run first = run("a", items("qasper", {0.5, 0.5, 0}));
  const report::Run second = run("b", items("qasper", {1, 0.5, 1, 1}));
  const Comparison comparison = compare_runs(first, second, nullptr);
  ASSERT_EQ(comparison.tasks.size(), 1u);
  EXPECT_EQ(comparison.tasks[0].matched, 3u);
  EXPECT_EQ(comparison.only_first, 0u);
  EXPECT_EQ(comparison.only_second, 1u);
  EXPECT_NEAR(comparison.tasks[0].first, 100.0 / 3, 1e-12);
  EXPECT_NEAR(comparison.tasks[0].second, 250.0 / 3, 1e-12);
  EXPECT_NEAR(comparison.overall.difference(), 50, 1e-12);
}

TEST_F(Compare, AConstantDifferenceHasAnIntervalOfNoWidth) {
  const report::Run first = run("a", items("qasper", {0, 0.25, 0.5, 0.5}));
  const report::Run second = run("b", items("qasper", {0.5, 0.75, 1, 1}));
  const Interval interval = *compare_runs(first, second, nullptr).tasks[0].interval;
  EXPECT_NEAR(interval.low, 50, 1e-9);
  EXPECT_NEAR(interval.high, 50, 1e-9);
}

TEST_F(Compare, TheIntervalIsWhatTheNormalLawSaysForManyItems) {
  std::vector<double> zeros(400, 0);
  std::vector<double> mixed;
  for (size_t i = 0; i < 400; ++i) mixed.push_back(i % 4 == 0 ? 1 : 0);
  const report::Run first = run("a", items("qasper", zeros));
  const report::Run second = run("b", items("qasper", mixed));
  const Interval interval = *compare_runs(first, second, nullptr).tasks[0].interval;
  const double half = 1.96 * 100 * std::sqrt(0.25 * 0.75 / 400);  // 4.24
  // 2,000 resamples place a 2.5% quantile to about 0.4 of a tenth of that half width's sigma; a twelfth is
  // far outside.
  EXPECT_NEAR(interval.low, 25 - half, half / 12);
  EXPECT_NEAR(interval.high, 25 + half, half / 12);
}

TEST_F(Compare, IsTheSameEveryTimeAndForATaskWhateverTheOthersAre) {
  std::vector<Json> a = items("qasper", {0, 1, 0, 1, 0.5});
  std::vector<Json> b = items("qasper", {1, 1, 0, 0, 0.75});
  const Interval alone = *compare_runs(run("a", a), run("b", b), nullptr).tasks[0].interval;
  for (auto* records : {&a, &b}) {
    for (Json& record : items("trec", {0, 1, 1})) records->push_back(record);
  }
  const Comparison both = compare_runs(run("a2", a), run("b2", b), nullptr);
  EXPECT_EQ(both.tasks[0].interval->low, alone.low);
  EXPECT_EQ(both.tasks[0].interval->high, alone.high);
  EXPECT_LT(alone.low, alone.high);
}

TEST_F(Compare, OneItemHasNoInterval) {
  const Comparison comparison =
      compare_runs(run("a", items("qasper", {0})), run("b", items("qasper", {1})), nullptr);
  EXPECT_FALSE(comparison.tasks[0].interval);
  EXPECT_FALSE(comparison.overall.interval);
}

TEST_F(Compare, AGroupIsComparedWhenAllItsTasksAre) {
  std::vector<Json> a;
  std::vector<Json> b;
  for (const char* task : {"lcc", "repobench-p", "trec"}) {
    for (Json& record : items(task, {0, 0.5})) a.push_back(record);
    for (Json& record : items(task, {0.5, 1})) b.push_back(record);
  }
  const SuiteInfo suite = *known_suite("longbench", Protocol::kOpenCompass);
  const Comparison comparison = compare_runs(run("a", a), run("b", b), &suite);
  ASSERT_EQ(comparison.groups.size(), 1u);  // the code tasks; few-shot lacks three, and so does the whole
  EXPECT_EQ(comparison.groups[0].matched, 4u);
  EXPECT_NEAR(comparison.groups[0].difference(), 50, 1e-12);
}

TEST_F(Compare, CountsPromptsThatDiffer) {
  std::vector<Json> other = items("qasper", {1, 1});
  other[1]["prompt_sha256"] = "cd";
  EXPECT_EQ(compare_runs(run("a", items("qasper", {1, 1})), run("b", other), nullptr).different_prompts, 1u);
}

TEST_F(Compare, PromptsThroughAnEndpointAreComparedByTheirTokens) {
  std::vector<Json> other = items("qasper", {1, 1});
  for (Json& record : other) record["prompt_sha256"] = "of the text";
  other[1]["prompt_tokens"] = other[1]["prompt_tokens"].get<int>() + 1;
  report::Run through_endpoint = run("b", other);
  through_endpoint.manifest.json["model"]["endpoint"] = "http://127.0.0.1/v1";
  const Comparison comparison = compare_runs(run("a", items("qasper", {1, 1})), through_endpoint, nullptr);
  EXPECT_TRUE(comparison.prompts_by_length);
  EXPECT_EQ(comparison.different_prompts, 1u);
}

TEST_F(Compare, RefusesOtherSuitesAndNothingShared) {
  const report::Run first = run("a", items("qasper", {1}));
  EXPECT_THROW(compare_runs(first, run("b", items("qasper", {1}), "leval"), nullptr), Error);
  EXPECT_THROW(compare_runs(first, run("c", items("trec", {1})), nullptr), Error);
}

TEST(PercentileInterval, IsLinearBetweenNeighbours) {
  std::vector<double> values;
  for (int i = 0; i <= 1000; ++i) values.push_back(1000 - i);
  const Interval interval = percentile_interval(values);
  EXPECT_DOUBLE_EQ(interval.low, 25);
  EXPECT_DOUBLE_EQ(interval.high, 975);
}

}  // namespace
}  // namespace longscroll::report
