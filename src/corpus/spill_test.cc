#include "corpus/spill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "corpus/test_corpus.h"
#include "data/random_order.h"

namespace longscroll::corpus {
namespace {

using test::error_of;
using test::TempFolder;

TEST(SpilledRecords, AreGroupedByHashOverRunsAndRanges) {
  const TempFolder folder;
  data::Random random(1);
  std::map<uint64_t, std::vector<HashRecord>> expected;
  std::vector<SortedRun> runs;
  for (uint32_t shard = 0; shard < 3; ++shard) {
    const std::filesystem::path name = folder.path() / ("s" + std::to_string(shard));
    RunWriter writer(name, 100);
    for (uint32_t i = 0; i < 250; ++i) {
      const uint64_t hash = uint64_t{random.below(300)} * 0x00ffeeddccbbaa99u;
      writer.add({hash, i, shard});
      expected[hash].push_back({hash, 1000 * shard + i, shard});
    }
    const size_t count = writer.finish();
    EXPECT_EQ(count, 3U);
    for (size_t i = 0; i < count; ++i) runs.emplace_back(run_path(name, i), 1000 * shard);
  }
  std::map<uint64_t, std::vector<HashRecord>> found;
  for (uint32_t range = 0; range < kHashRanges; ++range) {
    uint64_t last = 0;
    for_each_group(runs, {range, range + 1}, [&](std::span<const HashRecord> group) {
      EXPECT_EQ(group.front().hash >> 58, range);
      EXPECT_GE(group.front().hash, last);
      last = group.front().hash;
      EXPECT_TRUE(found[last].empty());
      found[last].assign(group.begin(), group.end());
    });
  }
  for (auto& [hash, records] : expected) std::sort(records.begin(), records.end());
  EXPECT_EQ(found, expected);
}

TEST(HashRanges, ArePartedByWhatThereIsToRead) {
  EXPECT_EQ(part_ranges({}).size(), 1U);
  EXPECT_EQ(part_ranges({uint64_t{20} << 20, uint64_t{20} << 20}).size(), 8U);
  const std::vector<HashRanges> parts = part_ranges({uint64_t{1} << 40});
  ASSERT_EQ(parts.size(), kHashRanges);
  EXPECT_EQ(parts.front().begin, 0U);
  EXPECT_EQ(parts.back().end, kHashRanges);
  for (size_t i = 1; i < parts.size(); ++i) EXPECT_EQ(parts[i].begin, parts[i - 1].end);
}

TEST(SpilledRecords, OfNothingAreNoFile) {
  const TempFolder folder;
  EXPECT_EQ(RunWriter(folder.path() / "s").finish(), 0U);
}

TEST(SpilledRecords, AFileThatIsNoRunIsRefused) {
  const TempFolder folder;
  RunWriter writer(folder.path() / "s");
  writer.add({~uint64_t{0}, 1, 2});
  writer.finish();
  const std::string good = test::bytes_of(run_path(folder.path() / "s", 0));
  std::string large = good;
  large[8 * kHashRanges + 6] = 0x7f;
  for (const std::string& bad :
       {std::string(), good.substr(0, 100), good.substr(0, good.size() - 1), good + "x", large}) {
    const auto path = folder.write("bad.run", bad);
    EXPECT_THAT(error_of([&] { SortedRun(path, 0); }), testing::HasSubstr("must be a run of records"));
  }
}

}  // namespace
}  // namespace longscroll::corpus
