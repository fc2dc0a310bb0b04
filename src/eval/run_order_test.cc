#include "eval/run_order.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/error.h"
#include "eval/test_runs.h"

namespace longscroll {
namespace {

TEST(Shards, AreParsedAsIOfN) {
  EXPECT_EQ(parse_shard("2/8"), (Shard{2, 8}));
  for (const char* wrong : {"", "1", "2/2", "-1/2", "0/0", "a/b", "1/2/3", "1 /2"}) {
    EXPECT_THROW(parse_shard(wrong), Error) << wrong;
  }
}

TEST(Shards, ComeFromMpirunOrSlurm) {
  const auto with = [](const char* rank, const char* size, const char* rank_name, const char* size_name) {
    ::setenv(rank_name, rank, 1);
    ::setenv(size_name, size, 1);
    struct Unset {
      const char *a, *b;
      ~Unset() {
        ::unsetenv(a);
        ::unsetenv(b);
      }
    } unset{rank_name, size_name};
    return shard_from_environment();
  };
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"}) ::unsetenv(name);
  EXPECT_EQ(shard_from_environment().shard, (Shard{0, 1}));
  EXPECT_EQ(with("3", "4", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE").shard, (Shard{3, 4}));
  EXPECT_EQ(with("1", "2", "PMI_RANK", "PMI_SIZE").variable, "PMI_RANK");
  EXPECT_EQ(with("0", "2", "SLURM_PROCID", "SLURM_NTASKS").shard, (Shard{0, 2}));
  EXPECT_EQ(with("0", "1", "SLURM_PROCID", "SLURM_NTASKS").variable, "") << "alone: no shard";
  EXPECT_THROW(with("4", "4", "PMI_RANK", "PMI_SIZE"), Error);
}

TEST(RunOrder, ShardsHaveEveryItemOnceAndWholeDocuments) {
  const std::vector<EvalItem> items = test::small_suite();
  const std::vector<PlannedItem> whole = plan_run(items, {});
  ASSERT_EQ(whole.size(), items.size());
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(whole[i].index, i);
  for (const size_t count : {1u, 2u, 3u, 20u}) {
    std::set<size_t> seen;
    std::map<std::string, size_t> shard_of_document;
    for (size_t shard = 0; shard < count; ++shard) {
      for (const PlannedItem& planned : plan_run(items, {shard, count})) {
        EXPECT_TRUE(seen.insert(planned.index).second);
        EXPECT_EQ(whole[planned.index].item, planned.item);
        EXPECT_EQ(whole[planned.index].begins_document, planned.begins_document);
        const std::string& document = items[planned.item].document;
        if (document.empty()) continue;
        EXPECT_EQ(shard_of_document.emplace(document, shard).first->second, shard);
      }
    }
    EXPECT_EQ(seen.size(), items.size());
  }
}

}  // namespace
}  // namespace longscroll
