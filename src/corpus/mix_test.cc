#include "corpus/mix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using test::error_of;
using test::TempFolder;
using testing::HasSubstr;

// A token a byte.
class Mix : public testing::Test {
 protected:
  void write(const std::string& source, size_t documents, size_t tokens) {
    const std::vector<std::string> texts(documents, std::string(tokens, 'x'));
    test::write_shard(folder_.path() / "in" / (source + std::to_string(tokens) + ".jsonl.zst"),
                      test::documents_of(texts, source, source + std::to_string(tokens) + "."));
  }
  Json mix(const MixSettings& settings, const std::string& out = "out") {
    return mix_corpus(test::request_of(folder_.path() / "in", folder_.path() / out, 2), settings, "bytes",
                      test::count_bytes, {});
  }
  static uint64_t taken(const Json& manifest, size_t cell) {
    return manifest.at("cells")[cell].at("taken_tokens").get<uint64_t>();
  }

  TempFolder folder_;
};

// The number taken of n documents at rate r has the variance n·f·(1-f), f what is behind r's point; 5
// standard deviations of it.
double tolerance(double documents, double rate, double tokens) {
  const double f = rate - std::floor(rate);
  return 5 * std::sqrt(documents * f * (1 - f)) * tokens + 1;
}

TEST_F(Mix, TakesTheTokensOfEachSourceAndLength) {
  write("books", 400, 1000);
  write("web", 2000, 100);
  MixSettings settings;
  settings.tokens = 400'000;
  settings.sources = {{"books", 1, 0}, {"web", 1, 0}};
  const Json manifest = mix(settings);
  EXPECT_NEAR(taken(manifest, 0), 200'000, tolerance(400, 0.5, 1000));
  EXPECT_EQ(taken(manifest, 1), 200'000U);  // a rate of 1
}

TEST_F(Mix, TakesDocumentsSeveralTimesUpToTheCap) {
  write("books", 100, 100);
  write("rare", 20, 100);
  MixSettings settings;
  settings.tokens = 50'000;
  settings.sources = {{"books", 1, 0}, {"rare", 1, 2}};
  const Json manifest = mix(settings);
  EXPECT_NEAR(taken(manifest, 0), 25'000, tolerance(100, 2.5, 100));
  EXPECT_EQ(taken(manifest, 1), 4'000U);
  EXPECT_FALSE(manifest.at("cells")[0].at("capped").get<bool>());
  EXPECT_TRUE(manifest.at("cells")[1].at("capped").get<bool>());
  const test::ReadShards read = test::read_shards(folder_.path() / "out");
  EXPECT_EQ(read.faults.count(), 0U);  // no id twice
  EXPECT_TRUE(read.texts().contains("rare100.3#2"));
}

TEST_F(Mix, WeighsLengths) {
  write("web", 1000, 10);
  write("web", 100, 1000);
  MixSettings settings;
  settings.tokens = 20'000;
  settings.buckets = {{0, 1}, {500, 3}};
  const Json manifest = mix(settings);
  EXPECT_NEAR(taken(manifest, 0), 5'000, tolerance(1000, 0.5, 10));
  EXPECT_NEAR(taken(manifest, 1), 15'000, tolerance(100, 0.15, 1000));
}

TEST_F(Mix, NamesEveryDocumentThatWasTaken) {
  write("web", 50, 100);
  MixSettings settings;
  settings.tokens = 2'500;
  mix(settings);
  std::istringstream lines(test::bytes_of(folder_.path() / "out" / "taken" / "000000.ndjson"));
  std::vector<std::string> named;
  for (std::string line; std::getline(lines, line);)
    named.push_back(parse_json(line).at("id").get<std::string>());
  EXPECT_EQ(named, test::read_shards(folder_.path() / "out").ids());
  EXPECT_FALSE(named.empty());
}

TEST_F(Mix, TheSeedDecides) {
  write("web", 50, 100);
  MixSettings settings;
  settings.tokens = 2'500;
  mix(settings, "a");
  mix(settings, "b");
  settings.seed = 1;
  mix(settings, "c");
  EXPECT_EQ(test::outputs_of(folder_.path() / "a"), test::outputs_of(folder_.path() / "b"));
  EXPECT_NE(test::read_shards(folder_.path() / "a").ids(), test::read_shards(folder_.path() / "c").ids());
}

TEST_F(Mix, RefusesWhatCannotBeMixed) {
  write("web", 5, 100);
  MixSettings settings;
  EXPECT_THAT(error_of([&] { mix(settings); }), HasSubstr("mix.tokens"));
  settings.tokens = 100;
  settings.sources = {{"book", 1, 0}};
  EXPECT_THAT(error_of([&] { mix(settings, "b"); }),
              HasSubstr("must name a source of the documents, found book"));
  settings.sources = {{"web", 0, 0}};
  EXPECT_THAT(error_of([&] { mix(settings); }), HasSubstr("weight above 0"));
  settings.sources = {};
  settings.buckets = {{10, 1}, {10, 1}};
  EXPECT_THAT(error_of([&] { mix(settings); }), HasSubstr("must rise"));
}

}  // namespace
}  // namespace longscroll::corpus
