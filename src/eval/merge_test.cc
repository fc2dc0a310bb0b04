#include "eval/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/test_runs.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;
using test::plan_for;

class MergeTest : public testing::Test {
 protected:
  fs::path run(const std::string& name, Shard shard, const std::function<void(RunPlan&)>& change = {}) {
    RunPlan plan = plan_for(folder_.path() / name, shard);
    if (change) change(plan);
    test::FakeModel model(test::copy_needle);
    run_items(plan, model, {});
    return plan.out;
  }
  std::string refusal(const std::vector<fs::path>& runs) {
    try {
      merge_runs(runs, folder_.path() / "merged");
    } catch (const Error& error) {
      EXPECT_FALSE(fs::exists(folder_.path() / "merged"));
      return error.what();
    }
    return "";
  }
  test::TempFolder folder_;
};

TEST_F(MergeTest, ShardsGiveTheRunThatWasNeverSplit) {
  const fs::path whole = run("whole", {});
  for (const size_t count : {2u, 3u, 7u}) {
    const std::string name = std::to_string(count) + "-";
    std::vector<fs::path> shards;
    size_t records = 0;
    for (size_t i = count; i-- > 0;) {  // in any order
      shards.push_back(run(name + std::to_string(i), {i, count}));
      records += test::records_but_times(shards.back()).size();
    }
    EXPECT_EQ(records, 8u);
    const fs::path merged = folder_.path() / (name + "merged");
    merge_runs(shards, merged);
    EXPECT_EQ(test::records_but_times(merged), test::records_but_times(whole));
    EXPECT_EQ(read_manifest(merged).json, read_manifest(whole).json);
  }
}

TEST_F(MergeTest, MissingDoubledAndForeignShardsAreRefused) {
  const fs::path first = run("0", {0, 2}), second = run("1", {1, 2});
  EXPECT_THAT(refusal({first}), testing::HasSubstr("found none of index 1"));
  EXPECT_THAT(refusal({first, second, second}), testing::HasSubstr("shard 1 again"));
  EXPECT_THAT(refusal({first, run("1-of-3", {1, 3})}), testing::HasSubstr("one of 2 shards"));
  const fs::path other = run("other", {1, 2}, [](RunPlan& plan) { plan.manifest["seed"] = 5; });
  EXPECT_THAT(refusal({first, other}), testing::HasSubstr("another seed: 0 and 5"));
  EXPECT_THAT(refusal({}), testing::HasSubstr("found none"));
  EXPECT_THAT(refusal({first, folder_.path() / "nowhere"}), testing::HasSubstr("nowhere"));
}

TEST_F(MergeTest, ShardsThatWereCutOrEditedAreRefused) {
  const fs::path first = run("0", {0, 2}), second = run("1", {1, 2});
  const std::string text = test::read_file(second / kRecordsName);
  const auto write = [&](const std::string& changed) {
    std::ofstream(second / kRecordsName, std::ios::binary) << changed;
  };
  write(text.substr(0, text.size() - 5));
  EXPECT_THAT(refusal({first, second}), testing::HasSubstr("broken line"));
  write(text.substr(text.find('\n') + 1));
  EXPECT_THAT(refusal({first, second}), testing::HasSubstr("must have"));
  write(text + text);
  EXPECT_THAT(refusal({first, second}), testing::HasSubstr("in line 1 too"));
  write(test::read_file(first / kRecordsName));
  EXPECT_THAT(refusal({first, second}), testing::HasSubstr("each item once"));
  write(text);
  nlohmann::ordered_json manifest = nlohmann::ordered_json::parse(test::read_file(second / kManifestName));
  manifest["state"] = "running";
  write_manifest(second, manifest);
  EXPECT_THAT(refusal({first, second}), testing::HasSubstr("must be complete"));
}

}  // namespace
}  // namespace longscroll
