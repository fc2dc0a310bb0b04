#include "data/token_shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstring>

#include "base/test_folder.h"
#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using longscroll::test::TempFolder;
using test::error_of;
using test::identity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::filesystem::path write_shard(const TempFolder& folder, const std::vector<TokenDocument>& documents,
                                  uint32_t vocab_size = 300, bool with_answers = false) {
  const std::filesystem::path path = folder.path() / "x.tokens";
  ShardWriter writer(path, identity(vocab_size), with_answers);
  for (const TokenDocument& document : documents) writer.add(document);
  writer.commit();
  return path;
}

TEST(TokenShard, GivesBackWhatWasWritten) {
  const TempFolder folder;
  const TokenShard shard(write_shard(folder, {{{1, 2, 3}, {}}, {{299, 0}, {}}, {{7, 8, 9, 10, 11}, {}}}));
  EXPECT_EQ(shard.documents(), 3U);
  EXPECT_EQ(shard.ids(), 10U);
  EXPECT_EQ(shard.length(0), 3U);
  EXPECT_EQ(shard.length(1), 2U);
  EXPECT_EQ(shard.length(2), 5U);
  EXPECT_THAT(shard.read(1, 0, 2).ids, ElementsAre(299, 0));
  EXPECT_THAT(shard.read(2, 1, 3).ids, ElementsAre(8, 9, 10));
  EXPECT_TRUE(shard.read(2, 1, 3).learnt.empty());
  EXPECT_FALSE(shard.has_answers());
  EXPECT_TRUE(shard.tokenizer().same_ids(identity(300)));
  EXPECT_EQ(shard.tokenizer().model, "test-model");
  EXPECT_NO_THROW(shard.check_documents());
}

TEST(TokenShard, LargeVocabulariesTakeFourBytesAnId) {
  const TempFolder folder;
  const TokenShard small(write_shard(folder, {{{65535, 1}, {}}}, 65536));
  EXPECT_EQ(std::filesystem::file_size(small.path()), 128U + 2 * 2 + 4 + 16 + 64);
  const TokenShard large(write_shard(folder, {{{65536, 1}, {}}}, 65537));
  EXPECT_EQ(std::filesystem::file_size(large.path()), 128U + 2 * 4 + 16 + 64);
  EXPECT_THAT(large.read(0, 0, 2).ids, ElementsAre(65536, 1));
}

TEST(TokenShard, RemembersWhichIdsAreAnswers) {
  const TempFolder folder;
  const TokenShard shard(write_shard(folder, {{{5, 6, 7}, {0, 1, 1}}, {{8, 9}, {0, 1}}}, 300, true));
  EXPECT_TRUE(shard.has_answers());
  EXPECT_THAT(shard.read(0, 0, 3).ids, ElementsAre(5, 6, 7));
  EXPECT_THAT(shard.read(0, 0, 3).learnt, ElementsAre(0, 1, 1));
  EXPECT_THAT(shard.read(1, 1, 1).learnt, ElementsAre(1));
}

TEST(TokenShard, NothingLiesUnderTheNameBeforeTheCommit) {
  const TempFolder folder;
  {
    ShardWriter writer(folder.path() / "x.tokens", identity(300), false);
    writer.add({{1, 2}, {}});
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// Every byte that is not as it was written is found, at the latest when the document is read.
TEST(TokenShard, AnyDamagedByteIsAnError) {
  const TempFolder folder;
  const std::string good = read_file(write_shard(folder, {{{1, 2, 3}, {}}, {{299, 0}, {}}}));
  for (size_t at = 0; at < good.size(); ++at) {
    for (const char flip : {'\x01', '\x80'}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      const auto path = folder.write("bad.tokens", bad);
      EXPECT_THAT(error_of([&] { TokenShard(path).check_documents(); }), HasSubstr("bad.tokens]")) << at;
    }
  }
}

TEST(TokenShard, AnythingCutShortIsAnError) {
  const TempFolder folder;
  const std::string good = read_file(write_shard(folder, {{{1, 2, 3}, {}}, {{299, 0}, {}}}));
  for (size_t size = 0; size < good.size(); ++size) {
    const auto path = folder.write("bad.tokens", good.substr(0, size));
    EXPECT_THAT(error_of([&] { TokenShard shard(path); }), HasSubstr("file: [")) << size;
  }
  const auto path = folder.write("bad.tokens", good + std::string(64, '\0'));
  EXPECT_THAT(error_of([&] { TokenShard shard(path); }), HasSubstr("must end as a token shard does"));
}

TEST(TokenShard, OtherFilesAndLaterVersionsAreNamed) {
  const TempFolder folder;
  EXPECT_THAT(error_of([&] { TokenShard shard(folder.write("a.tokens", "{\"text\": 1}")); }),
              HasSubstr("must be a token shard, found another kind of file"));
  std::string later = read_file(write_shard(folder, {{{1, 2}, {}}}));
  later[8] = 2;
  EXPECT_THAT(error_of([&] { TokenShard shard(folder.write("b.tokens", later)); }),
              HasSubstr("unsupported: [" + (folder.path() / "b.tokens").string() +
                        "] must be a token shard of version 1"));
  EXPECT_THAT(error_of([&] { TokenShard shard(folder.path() / "none.tokens"); }),
              HasSubstr("must be readable"));
}

// A file that lies with right checksums: what it claims is compared with what there is.
class ForgedShard : public testing::Test {
 protected:
  void SetUp() override { bytes_ = read_file(write_shard(folder_, {{{1, 2, 3}, {}}, {{299, 0}, {}}})); }

  template <typename T>
  void set(size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  size_t footer() const { return bytes_.size() - 64; }
  // Of the table where `with_table`, of the footer always.
  std::string error(bool with_table = false) {
    const size_t table = 128 + 5 * 2 + 6;
    if (with_table) set(footer() + 32, XXH3_64bits(bytes_.data() + table, 32));
    set(footer() + 48, XXH3_64bits(bytes_.data() + footer(), 48));
    const auto path = folder_.write("forged.tokens", bytes_);
    return error_of([&] { TokenShard(path).check_documents(); });
  }

  TempFolder folder_;
  std::string bytes_;
};

TEST_F(ForgedShard, CountsThatDoNotFillTheFile) {
  for (const uint64_t documents : {uint64_t{0}, uint64_t{1}, uint64_t{3}, UINT64_MAX, UINT64_MAX / 16 + 2}) {
    set(footer(), documents);
    EXPECT_THAT(error(), HasSubstr("and do not")) << documents;
  }
  set(footer(), uint64_t{2});
  for (const uint64_t ids : {uint64_t{0}, uint64_t{9}, UINT64_MAX, UINT64_MAX / 2 + 5}) {
    set(footer() + 8, ids);
    EXPECT_THAT(error(), HasSubstr("and do not")) << ids;
  }
}

TEST_F(ForgedShard, ATableThatIsNone) {
  const size_t table = 128 + 5 * 2 + 6;
  for (const uint64_t end : {uint64_t{0}, uint64_t{1}, uint64_t{4}, uint64_t{6}, UINT64_MAX}) {
    set(table, end);
    EXPECT_THAT(error(true), HasSubstr("the table of documents must be as it was written")) << end;
  }
  set(table, uint64_t{2});  // another cut than the checksums are of
  EXPECT_THAT(error(true), HasSubstr("document 0 must be as it was written, found its ids damaged"));
}

TEST_F(ForgedShard, AnIdThatTheVocabularyDoesNotHave) {
  set(128, uint16_t{300});
  set(128 + 5 * 2 + 6 + 8, XXH3_64bits(bytes_.data() + 128, 6));
  EXPECT_EQ(error(true), "nothing thrown");
  const TokenShard shard(folder_.path() / "forged.tokens");
  EXPECT_THAT(error_of([&] { shard.read(0, 0, 1); }),
              HasSubstr("document 0 must hold ids below 300, found 300"));
}

TEST(TokenShard, ShardsAreFoundByName) {
  const TempFolder folder;
  folder.write("d/00001.tokens", "");
  folder.write("d/00000.tokens", "");
  folder.write("d/manifest.json", "");
  const auto found = find_shards({folder.path() / "d", folder.path() / "d/manifest.json"});
  EXPECT_THAT(found, ElementsAre(folder.path() / "d/00000.tokens", folder.path() / "d/00001.tokens",
                                 folder.path() / "d/manifest.json"));
  folder.write("e/x.txt", "");
  EXPECT_THAT(error_of([&] { find_shards({folder.path() / "e"}); }),
              HasSubstr("must hold token shards (*.tokens)"));
  EXPECT_THAT(error_of([&] { find_shards({folder.path() / "f"}); }), HasSubstr("found nothing there"));
}

}  // namespace
}  // namespace longscroll::data
