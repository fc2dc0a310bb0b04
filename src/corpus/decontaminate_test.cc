#include "corpus/decontaminate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/utf8.h"
#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kThirteen = "one two three four five six seven eight nine ten eleven twelve thirteen";

std::string ideographs(uint32_t first, uint32_t count) {
  std::string text;
  for (uint32_t i = 0; i < count; ++i) append_utf8(text, first + i);
  return text;
}

class Decontaminate : public testing::Test {
 protected:
  DecontaminateSettings against(const std::string& records) {
    DecontaminateSettings settings;
    settings.against = {folder_.write("eval/set.jsonl", records).string()};
    return settings;
  }
  bool is_found(const DecontaminateSettings& settings, const std::string& text) {
    MatchTokens tokens;
    return Contamination(settings).find(text, tokens).found;
  }

  TempFolder folder_;
};

TEST_F(Decontaminate, ThirteenWordsInARowAreEnough) {
  const DecontaminateSettings settings =
      against("{\"question\":\"a b " + std::string(kThirteen) + "\",\"answers\":[\"short\"]}\n");
  EXPECT_TRUE(is_found(
      settings, "text ONE, two: three\nfour five six seven (eight) nine ten eleven twelve thirteen end"));
  EXPECT_FALSE(is_found(settings, "one two three four five six seven eight nine ten eleven twelve"));
  EXPECT_FALSE(
      is_found(settings, "one two three four five six and seven eight nine ten eleven twelve thirteen"));
}

TEST_F(Decontaminate, ThirtyCharactersWhereWordsHaveNoSpaces) {
  const DecontaminateSettings settings =
      against("{\"context\":{\"deep\":[\"" + ideographs(0x4e00, 40) + "\"]}}\n");
  EXPECT_TRUE(is_found(settings, "前言" + ideographs(0x4e05, 30) + "。"));
  EXPECT_FALSE(is_found(settings, ideographs(0x4e05, 29)));
  EXPECT_FALSE(is_found(settings, ideographs(0x5e00, 60)));
}

TEST_F(Decontaminate, CountsTextsThatAreTooShortToBeLookedFor) {
  const Contamination contamination(against("{\"a\":\"" + std::string(kThirteen) + "\",\"b\":\"yes\"}\n"));
  EXPECT_EQ(contamination.texts(), 2U);
  EXPECT_EQ(contamination.too_short(), 1U);
  EXPECT_EQ(contamination.runs(), 1U);
}

TEST_F(Decontaminate, ManyRunsAreFoundAsOneIs) {
  std::string records;
  for (uint64_t i = 0; i < 300; ++i) {
    std::string words = test::random_words(i, 300);
    std::replace(words.begin(), words.end(), '\n', ' ');
    records += "{\"text\":\"" + words + "\"}\n";
  }
  const Contamination contamination(against(records));
  MatchTokens tokens;
  for (uint64_t i = 0; i < 300; ++i) {
    EXPECT_TRUE(contamination.find(test::random_words(i, 300).substr(500), tokens).found) << i;
    EXPECT_FALSE(contamination.find(test::random_words(1000 + i, 300), tokens).found) << i;
  }
}

TEST_F(Decontaminate, DropsAndListsDocuments) {
  const DecontaminateSettings settings = against("{\"text\":\"" + std::string(kThirteen) + "\"}\n");
  test::write_shard(folder_.path() / "in" / "0.jsonl.zst",
                    test::documents_of({"clean text", std::string("x ") + kThirteen + " y"}));
  const Json manifest =
      decontaminate_corpus(test::request_of(folder_.path() / "in", folder_.path() / "out"), settings, {});
  EXPECT_THAT(test::read_shards(folder_.path() / "out").ids(), ElementsAre("0"));
  EXPECT_EQ(manifest.at("dropped").at("contaminated").at("documents"), 1);
  const Json listed = parse_json(test::bytes_of(folder_.path() / "out" / "listed" / "000000.json"));
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].at("id"), "1");
  EXPECT_EQ(listed[0].at("set"), "set.jsonl");
  EXPECT_EQ(listed[0].at("run"), kThirteen);
}

TEST_F(Decontaminate, RefusesSetsWithoutRuns) {
  const DecontaminateSettings settings = against("{\"text\":\"short\"}\n");
  EXPECT_THAT(test::error_of([&] { Contamination{settings}; }),
              HasSubstr("at least 13 words or 30 characters"));
}

}  // namespace
}  // namespace longscroll::corpus
