#include "data/document_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using longscroll::test::TempFolder;
using test::error_of;
using test::identity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path shard(const TempFolder& folder, const std::string& name,
                            const TokenizerIdentity& tokenizer, const std::vector<TokenDocument>& documents,
                            bool with_answers = false) {
  std::filesystem::create_directories(folder.path() / "set");
  const std::filesystem::path path = folder.path() / "set" / name;
  ShardWriter writer(path, tokenizer, with_answers);
  for (const TokenDocument& document : documents) writer.add(document);
  writer.commit();
  return path;
}

TEST(DocumentSet, CountsThroughShards) {
  const TempFolder folder;
  const auto first = shard(folder, "0.tokens", identity(300), {{{1, 2, 3}, {}}, {{4, 5}, {}}});
  const auto second = shard(folder, "1.tokens", identity(300), {{{6, 7, 8, 9}, {}}});
  const Documents documents = open_shards({first, second}, identity(300));
  ASSERT_EQ(documents->size(), 3U);
  EXPECT_EQ(documents->positions(0), 2U);
  EXPECT_EQ(documents->positions(2), 3U);
  EXPECT_TRUE(documents->may_split());
  EXPECT_EQ(documents->name(1), "set/0.tokens document 1");
  EXPECT_EQ(documents->name(2), "set/1.tokens document 0");
  Pack pack;
  documents->append(2, 1, 2, pack);
  documents->append(1, 0, 1, pack);
  EXPECT_THAT(pack.ids, ElementsAre(7, 8, 4));
  EXPECT_THAT(pack.targets, ElementsAre(8, 9, 5));
  EXPECT_THAT(pack.starts, ElementsAre(0U, 2U));
}

TEST(DocumentSet, LossIsOnAnswersAlone) {
  const TempFolder folder;
  const auto path = shard(folder, "0.tokens", identity(300), {{{1, 2, 3, 4, 5}, {0, 0, 1, 1, 0}}}, true);
  const Documents documents = open_shards({path}, identity(300));
  EXPECT_FALSE(documents->may_split());
  Pack pack;
  documents->append(0, 0, 4, pack);
  EXPECT_THAT(pack.ids, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(pack.targets, ElementsAre(kIgnored, 3, 4, kIgnored));
  EXPECT_EQ(pack.loss_tokens(), 2U);
}

TEST(DocumentSet, AShardOfAnotherTokenizerIsRefusedByName) {
  const TempFolder folder;
  const auto good = shard(folder, "0.tokens", identity(300), {{{1, 2}, {}}});
  const auto other = shard(folder, "1.tokens", identity(300, 'b'), {{{1, 2}, {}}});
  EXPECT_THAT(error_of([&] { open_shards({good, other}, identity(300)); }),
              AllOf(HasSubstr("1.tokens] must hold ids of the model's tokenizer, bpe, 300 tokens, aaaaaaaa"),
                    HasSubstr("found those of 'bpe, 300 tokens, bbbbbbbb (test-model)'"),
                    HasSubstr("hint: pack the corpus again with this model")));
  EXPECT_THAT(error_of([&] { open_shards({good}, identity(301)); }), HasSubstr("bpe, 301 tokens"));
}

TEST(DocumentSet, InstructionsAndPlainTextDoNotMix) {
  const TempFolder folder;
  const auto plain = shard(folder, "0.tokens", identity(300), {{{1, 2}, {}}});
  const auto answers = shard(folder, "1.tokens", identity(300), {{{1, 2}, {0, 1}}}, true);
  EXPECT_THAT(error_of([&] { open_shards({plain, answers}, identity(300)); }),
              HasSubstr("1.tokens] must hold plain text like"));
}

TEST(DocumentSet, ADamagedDocumentIsNamedWhenItIsRead) {
  const TempFolder folder;
  const auto path = shard(folder, "0.tokens", identity(300), {{{1, 2, 3}, {}}, {{4, 5}, {}}});
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(128 + 3 * 2);  // the second document's first id
    file.put('\x09');
  }
  const Documents documents = open_shards({path}, identity(300));
  Pack pack;
  EXPECT_NO_THROW(documents->append(0, 0, 2, pack));
  EXPECT_THAT(error_of([&] { documents->append(1, 0, 1, pack); }),
              HasSubstr("0.tokens] document 1 must be as it was written, found its ids damaged"));
}

TEST(DocumentSet, ChosenAndJoinedDocumentsKeepTheirNames) {
  const Documents all = join({choose(test::counting({3, 4, 5}), {2, 0}), test::counting({6})});
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ(all->positions(0), 5U);
  EXPECT_EQ(all->name(0), "document 2");
  EXPECT_EQ(all->name(1), "document 0");
  EXPECT_EQ(all->name(2), "document 0");
  EXPECT_EQ(all->positions(2), 6U);
  Pack pack;
  all->append(0, 4, 1, pack);
  EXPECT_THAT(pack.ids, ElementsAre(2004));
}

}  // namespace
}  // namespace longscroll::data
