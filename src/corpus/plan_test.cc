#include "corpus/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/funnel.h"
#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using test::error_of;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of_plan(const std::string& text) {
  return error_of([&] {
    Plan plan;
    parse_settings("out = \"out\"\ninputs = [\"raw\"]\nsteps = [\"import\"]\n" + text, "p.toml",
                   form_of(plan));
    validate(plan);
  });
}

TEST(Plan, RunsItsStepsOneAfterTheOther) {
  const TempFolder folder;
  folder.write("raw/a.txt", test::random_words(1, 100));
  folder.write("raw/b.txt", test::random_words(1, 100));
  folder.write("raw/c.txt", test::random_words(2, 100));
  Plan plan;
  plan.out = (folder.path() / "out").string();
  plan.inputs = {(folder.path() / "raw").string()};
  plan.steps = {"import", "dedupe", "mix"};
  plan.tokenizer = "bytes";
  plan.mix.tokens = 1'000'000;
  std::vector<std::string> seen;
  PlanEvents events;
  events.end = [&](const std::string& step, const Json&) { seen.push_back(step); };
  run_plan(plan, {test::count_bytes, {}}, 2, events);
  EXPECT_THAT(seen, ElementsAre("import", "dedupe", "mix"));
  const auto last = folder.path() / "out" / "03-mix";
  EXPECT_EQ(test::read_shards(last).documents.size(), 8U);  // two of three, four times each
  const std::vector<FunnelStep> chain = chain_of(last);
  ASSERT_EQ(chain.size(), 3U);
  EXPECT_EQ(chain[1].manifest.at("dropped").at("exact").at("documents"), 1);
  const CorpusLengths lengths = measure_lengths(find_documents({chain[0].folder}), test::count_bytes, 2, {});
  EXPECT_EQ(lengths.all.documents, 3U);
  EXPECT_EQ(lengths.by_source.at("raw").documents, 3U);
}

TEST(Plan, NamesTheNearestKey) {
  EXPECT_THAT(error_of_plan("[clean]\nmin_word = 3\n"), HasSubstr("did you mean clean.min_words?"));
  EXPECT_THAT(error_of_plan("[dedupe]\ntreshold = 0.5\n"), HasSubstr("[p.toml:5]"));
}

TEST(Plan, ChecksItsSteps) {
  EXPECT_EQ(error_of_plan(""), "nothing thrown");
  EXPECT_THAT(error_of([] {
                Plan plan;
                plan.out = "o";
                plan.inputs = {"i"};
                plan.steps = {"import", "dedupe", "clean"};
                validate(plan);
              }),
              HasSubstr("in the order of the chain"));
}

TEST(Plan, AStepThatIsNotDoneIsNotRead) {
  const TempFolder folder;
  test::write_shard(folder.path() / "in" / "0.jsonl.zst", test::documents_of({"text"}));
  clean_corpus(test::request_of(folder.path() / "in", folder.path() / "out"), {}, {});
  // As if it had been killed just before its end.
  std::filesystem::remove(folder.path() / "out" / "manifest.json");
  std::filesystem::remove(folder.path() / "out" / "tasks" / "finish-000000.json");
  EXPECT_THAT(error_of([&] { find_documents({folder.path() / "out"}); }),
              HasSubstr("without its manifest.json"));
  // Given again, it goes on.
  clean_corpus(test::request_of(folder.path() / "in", folder.path() / "out"), {}, {});
  EXPECT_NO_THROW(find_documents({folder.path() / "out"}));
}

TEST(Plan, AFolderOfSomethingElseIsNotTouched) {
  const TempFolder folder;
  test::write_shard(folder.path() / "in" / "0.jsonl.zst", test::documents_of({"text"}));
  folder.write("out/mine.txt", "mine");
  EXPECT_THAT(
      error_of([&] { clean_corpus(test::request_of(folder.path() / "in", folder.path() / "out"), {}, {}); }),
      HasSubstr("found 'mine.txt' in it"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out" / "tasks"));
}

}  // namespace
}  // namespace longscroll::corpus
