#include "report/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "report/test_runs.h"

namespace longscroll::report {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReadRun : public testing::Test {
 protected:
  report::Run read(const Json& manifest, const std::string& lines) {
    write_run(folder_.path(), manifest, lines);
    return read_run(folder_.path());
  }
  std::string fault(const Json& manifest, const std::string& lines) {
    try {
      read(manifest, lines);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind() == ErrorKind::kFile || error.kind() == ErrorKind::kUnsupported, true);
      return error.what();
    }
    return "no fault";
  }
  // The fault of one good record with one key changed, behind another good one.
  std::string fault_with(const std::string& key, const Json& value) {
    Json record = test_record("qasper", "2", 0.5);
    record[key] = value;
    return fault(test_manifest("longbench", 2), lines_of({test_record("qasper", "1", 1), record}));
  }

  test::TempFolder folder_;
};

TEST_F(ReadRun, TakesEveryKey) {
  Json record = test_record("qasper", "7", 0.25);
  record["truncation"] = {{"mode", "middle"}, {"kept_first", 50}, {"kept_last", 50}};
  record["dropped_tokens"] = 12;
  record["parts"] = {{"rouge1", 0.25}};
  record["fields"] = {{"length", 9000}};
  record["choice_log_likelihoods"] = {-1.5};
  record["choice_tokens"] = {3};
  record["a later key"] = {{"of", "whatever"}};
  const report::Run run = read(test_manifest("longbench", 1), lines_of({record}));
  ASSERT_EQ(run.records.size(), 1u);
  const EvalRecord& found = run.records[0];
  EXPECT_EQ(found.task, "qasper");
  EXPECT_EQ(found.id, "7");
  EXPECT_EQ(truncation_mode(found), "middle");
  EXPECT_EQ(found.dropped_tokens, 12u);
  EXPECT_DOUBLE_EQ(found.score.value(), 0.25);
  EXPECT_EQ(found.scored_prediction, "answer");
  EXPECT_DOUBLE_EQ(found.parts.at("rouge1"), 0.25);
  EXPECT_EQ(found.fields.at("length"), 9000);
  EXPECT_THAT(found.choice_log_likelihoods, ElementsAre(-1.5));
  EXPECT_THAT(found.choice_tokens, ElementsAre(3u));
  EXPECT_EQ(found.reused_tokens, 40u);
  EXPECT_DOUBLE_EQ(found.decode_seconds, 0.25);
  EXPECT_EQ(run.manifest.label, "tiny");
  EXPECT_FALSE(run.partial());
  EXPECT_THAT(run.remarks, IsEmpty());
}

TEST_F(ReadRun, OrdersByTheManifestsTasksThenByNumbersInIds) {
  Json manifest = test_manifest("longbench", 4);
  manifest["tasks"] = {"trec", "qasper"};
  const report::Run run =
      read(manifest, lines_of({test_record("qasper", "10.1", 0), test_record("qasper", "9.12", 0),
                               test_record("trec", "3", 0), test_record("qasper", "9.2", 0)}));
  std::vector<std::string> order;
  for (const EvalRecord& record : run.records) order.push_back(record.task + " " + record.id);
  EXPECT_THAT(order, ElementsAre("trec 3", "qasper 9.2", "qasper 9.12", "qasper 10.1"));
}

TEST_F(ReadRun, NamesFileLineAndKeyOfWhatIsMissing) {
  Json record = test_record("qasper", "2", 0.5);
  record.erase("references");
  EXPECT_THAT(fault(test_manifest("longbench", 2), lines_of({test_record("qasper", "1", 1), record})),
              AllOf(HasSubstr("records.jsonl"), HasSubstr("line 2"), HasSubstr("'references'")));
}

TEST_F(ReadRun, RefusesWrongTypesAndRanges) {
  EXPECT_THAT(fault_with("score", "1"), AllOf(HasSubstr("line 2"), HasSubstr("'score'")));
  EXPECT_THAT(fault_with("prompt_tokens", -1), HasSubstr("'prompt_tokens'"));
  EXPECT_THAT(fault_with("prompt_tokens", 1.5), HasSubstr("'prompt_tokens'"));
  EXPECT_THAT(fault_with("dropped_tokens", uint64_t{1} << 60), HasSubstr("2^50"));
  EXPECT_THAT(fault_with("references", Json::array({1})), HasSubstr("'references'"));
  EXPECT_THAT(fault_with("fields", Json::array()), HasSubstr("'fields'"));
  EXPECT_THAT(fault_with("truncation", "middle"), HasSubstr("'truncation'"));
  EXPECT_THAT(fault_with("parts", {{"rouge1", "x"}}), HasSubstr("'rouge1'"));
  EXPECT_THAT(fault_with("reused_tokens", 101), HasSubstr("at most its 100 prompt tokens"));
  EXPECT_THAT(fault_with("times", {{"prefill_seconds", -1}, {"decode_seconds", 0}}), HasSubstr("negative"));
  EXPECT_THAT(fault_with("choice_log_likelihoods", {"x"}), HasSubstr("'choice_log_likelihoods'"));
  EXPECT_THAT(fault_with("task", nullptr), HasSubstr("'task'"));
}

TEST_F(ReadRun, TakesAPartThatIsNotScoredByItself) {
  Json record = test_record("sci_fi", "1a", 0);
  record["score"] = nullptr;
  record["metric"] = "";
  const report::Run run = read(test_manifest("leval", 1), lines_of({record}));
  EXPECT_FALSE(run.records[0].score);
  record["metric"] = "leval.sci_fi";
  EXPECT_THAT(fault(test_manifest("leval", 1), lines_of({record})),
              HasSubstr("a score where it has a metric"));
}

TEST_F(ReadRun, NamesBothLinesOfADuplicate) {
  EXPECT_THAT(fault(test_manifest("longbench", 2),
                    lines_of({test_record("qasper", "1", 1), test_record("qasper", "1", 0)})),
              AllOf(HasSubstr("line 2"), HasSubstr("line 1 too")));
}

TEST_F(ReadRun, RefusesBytesThatAreNotUtf8AndKeysGivenTwice) {
  std::string line = test_record("qasper", "1", 1).dump();
  line.replace(line.find("an answer"), 2, "\xff\xfe");
  EXPECT_THAT(fault(test_manifest("longbench", 1), line + "\n"), HasSubstr("line 1"));
  EXPECT_THAT(fault(test_manifest("longbench", 1), "{\"task\":\"a\",\"task\":\"b\"}\n"), HasSubstr("twice"));
  EXPECT_THAT(fault(test_manifest("longbench", 1), "\n"), HasSubstr("line 1"));
  EXPECT_THAT(fault(test_manifest("longbench", 1), "[]\n"), HasSubstr("JSON object"));
}

TEST_F(ReadRun, ARunningRunMayEndInABrokenLineAndSaysSo) {
  Json manifest = test_manifest("longbench", 5);
  manifest["state"] = "running";
  const std::string lines = lines_of({test_record("qasper", "1", 1)}) + R"({"task":"qas)";
  const report::Run run = read(manifest, lines);
  EXPECT_EQ(run.records.size(), 1u);
  EXPECT_TRUE(run.partial());
  EXPECT_THAT(run.remarks, ElementsAre(HasSubstr("line 2"), HasSubstr("not ended: 1 of 5")));
  EXPECT_THAT(fault(test_manifest("longbench", 5), lines), HasSubstr("line 2"));
}

TEST_F(ReadRun, SaysThatARunHasFewerItemsThanItsManifest) {
  const report::Run run = read(test_manifest("longbench", 5), lines_of({test_record("qasper", "1", 1)}));
  EXPECT_TRUE(run.partial());
  EXPECT_THAT(run.remarks, ElementsAre(AllOf(HasSubstr("5 items"), HasSubstr("1 are there"))));
}

TEST_F(ReadRun, RefusesMoreItemsThanTheManifestNames) {
  EXPECT_THAT(fault(test_manifest("longbench", 1),
                    lines_of({test_record("qasper", "1", 1), test_record("qasper", "2", 1)})),
              HasSubstr("at most the 1 records"));
}

TEST_F(ReadRun, RefusesManifestsThatAreNone) {
  const std::string lines = lines_of({test_record("qasper", "1", 1)});
  const auto with = [&](const char* key, const Json& value) {
    Json manifest = test_manifest("longbench", 1);
    manifest[key] = value;
    return fault(manifest, lines);
  };
  EXPECT_THAT(with("format", 2), HasSubstr("format 1"));
  EXPECT_THAT(with("protocol", "mine"), HasSubstr("known protocol"));
  EXPECT_THAT(with("state", "odd"), HasSubstr("running or complete"));
  EXPECT_THAT(with("shard", {{"index", 2}, {"count", 2}}), HasSubstr("below its count"));
  EXPECT_THAT(with("data", {{"file", "x"}}), HasSubstr("'data'"));
  EXPECT_THAT(with("suite", "longbench"), HasSubstr("'suite'"));
  EXPECT_THAT(fault(Json::array(), lines), HasSubstr("JSON object"));
}

TEST_F(ReadRun, WithoutFilesNamesTheFile) {
  try {
    read_run(folder_.path() / "none");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("manifest.json"));
  }
}

TEST(NaturalLess, ComparesRunsOfDigitsAsNumbers) {
  EXPECT_TRUE(natural_less("q2", "q10"));
  EXPECT_FALSE(natural_less("q10", "q2"));
  EXPECT_TRUE(natural_less("9.2", "9.12"));
  EXPECT_TRUE(natural_less("a", "a1"));
  EXPECT_TRUE(natural_less("12345678901234567890123", "12345678901234567890124"));
  EXPECT_FALSE(natural_less("x", "x"));
  EXPECT_TRUE(natural_less("01", "1") !=
              natural_less("1", "01"));  // a total order, so equal inputs sort equally
}

}  // namespace
}  // namespace longscroll::report
