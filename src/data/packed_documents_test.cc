#include "data/packed_documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/thread_pool.h"
#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using test::counting;
using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void expect_same(const Pack& a, const Pack& b) {
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.targets, b.targets);
  EXPECT_EQ(a.starts, b.starts);
}

TEST(PackedDocuments, ADocumentsLastIdIsPredictedAndNeverRead) {
  const PackedDocuments packs("corpus", counting({3}), {.window = 3});
  const Pack pack = packs.pack(0);
  EXPECT_THAT(pack.ids, ElementsAre(0, 1, 2));
  EXPECT_THAT(pack.targets, ElementsAre(1, 2, 3));
  EXPECT_THAT(pack.starts, ElementsAre(0U));
}

TEST(PackedDocuments, PaddingIsADocumentWithoutTargets) {
  const PackedDocuments packs("corpus", counting({2}), {.window = 5, .pad_id = 77});
  const Pack pack = packs.pack(0);
  EXPECT_THAT(pack.ids, ElementsAre(0, 1, 77, 77, 77));
  EXPECT_THAT(pack.targets, ElementsAre(1, 2, kIgnored, kIgnored, kIgnored));
  EXPECT_THAT(pack.starts, ElementsAre(0U, 2U));
  EXPECT_EQ(pack.loss_tokens(), 2U);
}

TEST(PackedDocuments, APieceThatEndsBeforeItsDocumentPredictsTheFirstIdOfTheNext) {
  for (const PackingMode mode : {PackingMode::kConcatenate, PackingMode::kBestFit, PackingMode::kPadded}) {
    const PackedDocuments packs("corpus", counting({7}), {.window = 3, .mode = mode});
    ASSERT_EQ(packs.packs_per_epoch(), 3U);
    std::set<TokenId> read;
    std::set<TokenId> predicted;
    for (uint64_t i = 0; i < 3; ++i) {
      const Pack pack = packs.pack(i);
      for (size_t t = 0; t < 3; ++t) {
        if (pack.targets[t] == kIgnored) continue;
        EXPECT_EQ(pack.targets[t], pack.ids[t] + 1);
        read.insert(pack.ids[t]);
        predicted.insert(pack.targets[t]);
      }
    }
    EXPECT_THAT(read, ElementsAre(0, 1, 2, 3, 4, 5, 6));
    EXPECT_THAT(predicted, ElementsAre(1, 2, 3, 4, 5, 6, 7));
  }
}

TEST(PackedDocuments, TargetsNeverCrossADocumentsEnd) {
  for (const PackingMode mode : {PackingMode::kConcatenate, PackingMode::kBestFit}) {
    const PackedDocuments packs("corpus", counting(test::varied_positions(200)),
                                {.window = 256, .mode = mode});
    uint64_t targets = 0;
    for (uint64_t i = 0; i < packs.packs_per_epoch(); ++i) {
      const Pack pack = packs.pack(i);
      ASSERT_EQ(pack.ids.size(), 256U);
      ASSERT_EQ(pack.targets.size(), 256U);
      ASSERT_EQ(pack.starts.front(), 0U);
      ASSERT_TRUE(std::is_sorted(pack.starts.begin(), pack.starts.end()));
      targets += pack.loss_tokens();
      for (size_t t = 0; t < pack.ids.size(); ++t) {
        if (pack.targets[t] == kIgnored) continue;
        EXPECT_EQ(pack.targets[t] / 1000, pack.ids[t] / 1000);  // the same document
        EXPECT_EQ(pack.targets[t], pack.ids[t] + 1);
      }
    }
    uint64_t positions = 0;
    for (const uint64_t count : test::varied_positions(200)) positions += count;
    EXPECT_EQ(targets, positions);
  }
}

TEST(PackedDocuments, APackIsAFunctionOfItsNumberWhateverWasAskedBefore) {
  const PackSettings settings{.window = 100, .mode = PackingMode::kBestFit, .seed = 5};
  const PackedDocuments first("corpus", counting(test::varied_positions(200)), settings);
  const PackedDocuments second("corpus", counting(test::varied_positions(200)), settings);
  const uint64_t packs = first.packs_per_epoch();
  for (const uint64_t index : {3 * packs + 1, uint64_t{0}, packs, uint64_t{1}, packs - 1}) {
    expect_same(first.pack(index),
                PackedDocuments("corpus", counting(test::varied_positions(200)), settings).pack(index));
  }
  for (uint64_t index = 0; index < 2 * packs; ++index) expect_same(first.pack(index), second.pack(index));
}

TEST(PackedDocuments, ThreadsMayAskForPacksOfSeveralEpochsAtOnce) {
  const PackedDocuments packs("corpus", counting(test::varied_positions(100)), {.window = 64, .seed = 1});
  std::vector<Pack> expected;
  for (uint64_t i = 0; i < 3 * packs.packs_per_epoch(); ++i) expected.push_back(packs.pack(i));
  std::vector<Pack> found(expected.size());
  ThreadPool pool(4);
  pool.run(found.size(), [&](size_t index, int) {
    found[found.size() - 1 - index] = packs.pack(found.size() - 1 - index);
  });
  for (size_t i = 0; i < found.size(); ++i) expect_same(found[i], expected[i]);
}

TEST(PackedDocuments, AnEpochIsNamedAndEveryPieceInIt) {
  const PackedDocuments packs("essays", counting({7}), {.window = 5, .mode = PackingMode::kConcatenate});
  EXPECT_EQ(packs.describe(2), "essays pack 0 of epoch 1: document 0 positions 0 to 4");
  EXPECT_EQ(packs.describe(3), "essays pack 1 of epoch 1: document 0 positions 5 to 6, 3 of padding");
}

TEST(PackedDocuments, WithoutADocumentThereIsNoStream) {
  EXPECT_THAT(error_of([] { PackedDocuments("essays", counting({}), {.window = 5}); }),
              HasSubstr("argument: [essays] must have at least one document"));
}

std::unique_ptr<PackSource> single(const std::string& name, uint64_t documents) {
  return std::make_unique<PackedDocuments>(name, counting(std::vector<uint64_t>(documents, 2)),
                                           PackSettings{.window = 2});
}

MixedPacks mixed(double first, double second, uint64_t seed = 3) {
  std::vector<WeightedSource> sources;
  sources.push_back({single("a", 5), first});
  sources.push_back({single("b", 3), second});
  return MixedPacks(std::move(sources), seed);
}

TEST(MixedPacks, EachSourceHasItsShareAndGivesItsOwnPacksInOrder) {
  const MixedPacks packs = mixed(3, 1);
  std::vector<std::string> of_a;
  std::vector<std::string> of_b;
  for (uint64_t i = 0; i < 4096; ++i) {
    const std::string text = packs.describe(i);
    (text.starts_with("a ") ? of_a : of_b).push_back(text);
  }
  EXPECT_EQ(of_a.size(), 3072U);
  EXPECT_EQ(of_b.size(), 1024U);
  const auto alone = single("a", 5);
  for (uint64_t i = 0; i < of_a.size(); ++i) ASSERT_EQ(of_a[i], alone->describe(i));
  // And it goes on behind the period.
  uint64_t a = of_a.size();
  for (uint64_t i = 4096; i < 4196; ++i) {
    const std::string text = packs.describe(i);
    if (text.starts_with("a ")) {
      EXPECT_EQ(text, alone->describe(a++));
    }
  }
  EXPECT_EQ(packs.packs_per_epoch(), 0U);
}

TEST(MixedPacks, SharesThatAreNoWholeNumbersAddUpAllTheSame) {
  const MixedPacks packs = mixed(1, 2);
  uint64_t of_a = 0;
  for (uint64_t i = 0; i < 4096; ++i) of_a += packs.describe(i).starts_with("a ") ? 1 : 0;
  EXPECT_EQ(of_a, 1365U);  // 4096 / 3 = 1365.33; b's remainder is the larger
}

TEST(MixedPacks, RefusesWeightsThatAreNone) {
  EXPECT_THAT(error_of([] { mixed(1, 0); }), HasSubstr("argument: [weight] must be above 0"));
  EXPECT_THAT(error_of([] { mixed(1, -1); }), HasSubstr("argument: [weight] must be above 0"));
  EXPECT_THAT(error_of([] { mixed(1e6, 1); }), HasSubstr("must come to at least 1/4096 of the sum"));
}

}  // namespace
}  // namespace longscroll::data
