#include "corpus/dedupe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/utf8.h"
#include "corpus/clusters.h"
#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using test::random_words;
using test::TempFolder;
using testing::ElementsAre;

// One word of so many replaced: each replacement breaks 5 shingles of 5 words.
std::string edited(const std::string& text, size_t every) {
  std::string out;
  size_t word = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n') ++word;
    out += (c != ' ' && c != '\n' && word % every == every - 1) ? 'x' : c;
  }
  return out;
}

class Dedupe : public testing::Test {
 protected:
  // Shards of the given texts; ids count through them.
  void write(const std::vector<std::vector<std::string>>& shards) {
    for (size_t i = 0; i < shards.size(); ++i) {
      const std::string name = std::to_string(i);
      test::write_shard(folder_.path() / "in" / (name + ".jsonl.zst"),
                        test::documents_of(shards[i], "web", name + "."));
    }
  }
  std::vector<std::string> dedupe(const DedupeSettings& settings = {}, int workers = 1,
                                  const std::string& out = "out") {
    manifest_ =
        dedupe_corpus(test::request_of(folder_.path() / "in", folder_.path() / out, workers), settings, {});
    return test::read_shards(folder_.path() / out).ids();
  }
  uint64_t dropped(const char* reason) const {
    const Json& all = manifest_.at("dropped");
    return all.contains(reason) ? all.at(reason).at("documents").get<uint64_t>() : 0;
  }

  TempFolder folder_;
  Json manifest_;
};

TEST_F(Dedupe, OfTheSameTheFirstStaysWhateverWhiteSpaceSays) {
  write({{random_words(1, 50), random_words(2, 50)},
         {random_words(1, 50), "  " + random_words(2, 50) + "\n\n "}});
  // The longest of a cluster stays: the copy with white space is two bytes longer.
  EXPECT_THAT(dedupe(), ElementsAre("0.0", "1.1"));
  EXPECT_EQ(dropped("exact"), 2U);
  EXPECT_EQ(dropped("near"), 0U);
}

TEST_F(Dedupe, NearDuplicatesGoAndTheLongestStays) {
  const std::string text = random_words(3, 1000);
  // 1 word of 100: about 5 of 100 shingles differ in each, similarity 0.95 / 1.05 = 0.9.
  write({{edited(text, 100), random_words(4, 1000)}, {text + " and a little more"}});
  EXPECT_THAT(dedupe(), ElementsAre("0.1", "1.0"));
  EXPECT_EQ(dropped("near"), 1U);
  EXPECT_EQ(manifest_.at("clusters"), 1);
}

TEST_F(Dedupe, DocumentsThatShareLessStay) {
  const std::string text = random_words(5, 1000);
  // 1 word of 12: 5 of 12 shingles differ, similarity about 0.41.
  write({{text, edited(text, 12)}});
  EXPECT_THAT(dedupe(), ElementsAre("0.0", "0.1"));
}

TEST_F(Dedupe, ComparesChineseByCharacters) {
  std::string text, copy;
  for (uint32_t i = 0; i < 600; ++i) {
    const uint32_t c = 0x4e00 + (i * i * 31 + i * 7) % 5000;
    append_utf8(text, c);
    append_utf8(copy, i == 300 ? 0x9f00 : c);
  }
  write({{text, copy}});
  EXPECT_EQ(dedupe().size(), 1U);
}

TEST_F(Dedupe, CanBeToldToDropTheSameAlone) {
  const std::string text = random_words(3, 1000);
  write({{text, edited(text, 100), text}});
  DedupeSettings settings;
  settings.near = false;
  EXPECT_THAT(dedupe(settings), ElementsAre("0.0", "0.1"));
}

TEST_F(Dedupe, DocumentsWithoutWordsAreNotNear) {
  write({{"…", "!!!", "???"}});
  EXPECT_EQ(dedupe().size(), 3U);
}

TEST_F(Dedupe, TheNumberOfWorkersAndProcessesChangesNoByte) {
  std::vector<std::vector<std::string>> shards(5);
  for (uint64_t i = 0; i < 100; ++i) shards[i % 5].push_back(edited(random_words(i % 30, 200), 40 + i));
  write(shards);
  dedupe({}, 1, "one");
  dedupe({}, 4, "four");
  const auto expected = test::outputs_of(folder_.path() / "one");
  EXPECT_EQ(test::outputs_of(folder_.path() / "four"), expected);
  std::vector<std::thread> processes;
  for (int i = 0; i < 2; ++i) {
    processes.emplace_back(
        [&] { dedupe_corpus(test::request_of(folder_.path() / "in", folder_.path() / "two"), {}, {}); });
  }
  for (std::thread& process : processes) process.join();
  EXPECT_EQ(test::outputs_of(folder_.path() / "two"), expected);
}

TEST_F(Dedupe, ABadShardCostsWhatIsBadInIt) {
  write({{random_words(1, 50)}, {random_words(2, 50), random_words(1, 50)}});
  folder_.write("in/2.jsonl", "nonsense\n{\"id\":\"z\",\"source\":\"web\",\"text\":\"" +
                                  std::string("good text") + "\"}\n");
  folder_.write("in/3.jsonl.zst", "no zstd");
  EXPECT_THAT(dedupe(), ElementsAre("0.0", "1.0", "z"));
  EXPECT_EQ(manifest_.at("faults"), (Json{{"not-json", 1}, {"unreadable", 1}}));
}

TEST_F(Dedupe, LeavesNothingSpilled) {
  write({{random_words(1, 50)}});
  dedupe();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out" / "spill"));
}

TEST(Clusters, KeepTheLongestWhateverTheOrderOfPairs) {
  const std::vector<std::pair<uint32_t, uint32_t>> pairs = {{0, 1}, {2, 3}, {1, 2}, {5, 4}};
  for (int order = 0; order < 2; ++order) {
    Clusters clusters({5, 9, 9, 1, 7, 7, 3});
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto& [a, b] = pairs[order == 0 ? i : pairs.size() - 1 - i];
      clusters.join(a, b);
    }
    std::vector<uint32_t> kept;
    for (uint32_t i = 0; i < 7; ++i) kept.push_back(clusters.kept(i));
    EXPECT_THAT(kept, ElementsAre(1, 1, 1, 1, 4, 4, 6));
  }
}

}  // namespace
}  // namespace longscroll::corpus
