#include "corpus/score.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using test::TempFolder;
using testing::ElementsAre;

TEST(RankCorrelation, IsOfRanksAndNotOfValues) {
  EXPECT_DOUBLE_EQ(rank_correlation(std::vector<double>{1, 2, 3, 4}, std::vector<double>{1, 10, 100, 1000}),
                   1);
  EXPECT_DOUBLE_EQ(rank_correlation(std::vector<double>{1, 2, 3}, std::vector<double>{3, 2, 1}), -1);
  // Ranks 1 2.5 2.5 4 against 1 2 3 4: 4.5 / sqrt(4.5 · 5).
  EXPECT_NEAR(rank_correlation(std::vector<double>{1, 2, 2, 3}, std::vector<double>{1, 2, 3, 4}), 0.9486833,
              1e-7);
  EXPECT_EQ(rank_correlation(std::vector<double>{1, 1}, std::vector<double>{1, 2}), 0);
  EXPECT_EQ(rank_correlation({}, {}), 0);
}

TEST(StandIns, AreLowOrHighWhereATextRepeatsItself) {
  const std::string text = test::random_words(1, 500);
  EXPECT_GT(compressed_share(text), 1.5 * compressed_share(text + text + text));
  EXPECT_EQ(repeated_share(text), 0);
  // 1,000 tokens have 988 runs of 13. Those that begin in the second half are there already: 488 of them.
  EXPECT_NEAR(repeated_share(text + text), 488.0 / 988, 0.002);
  EXPECT_EQ(repeated_share("short"), 0);
}

TEST(Score, PutsTheGainIntoTheMetaAndDropsWhatIsAskedFor) {
  const TempFolder folder;
  test::write_shard(folder.path() / "in" / "0.jsonl.zst", test::documents_of({"short", "glued", "natural"}));
  const ScoreText score = [](std::string_view text) -> std::optional<FarContext> {
    if (text == "short") return std::nullopt;
    return FarContext{3, text == "glued" ? 3.0 : 2.5, 100};
  };
  ScoreSettings settings;
  settings.drop = true;
  settings.min_gain = 0.1;
  const Json manifest =
      score_corpus(test::request_of(folder.path() / "in", folder.path() / "out"), settings, score, {});
  const test::ReadShards read = test::read_shards(folder.path() / "out");
  EXPECT_THAT(read.ids(), ElementsAre("0", "2"));
  EXPECT_EQ(parse_json(read.documents[1].meta).at("far_context"), 0.5);
  EXPECT_FALSE(parse_json(read.documents[0].meta).contains("far_context"));
  EXPECT_EQ(manifest.at("dropped").at("far-context").at("documents"), 1);
  EXPECT_EQ(manifest.at("scored"), 2);
}

}  // namespace
}  // namespace longscroll::corpus
