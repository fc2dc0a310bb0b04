#include "eval/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "eval/scoring.h"
#include "eval/test_runs.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;
using test::FakeModel;
using test::plan_for;
using test::records_but_times;

class RunnerTest : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  static RunResult run(const RunPlan& plan, size_t fail_after = SIZE_MAX) {
    FakeModel model(test::copy_needle);
    model.fail_after = fail_after;
    return run_items(plan, model, {});
  }
  std::string refusal(const RunPlan& plan) const {
    try {
      run(plan);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  test::TempFolder folder_;
};

TEST_F(RunnerTest, AsksEachDocumentsItemsInARowAndReusesItsText) {
  const RunResult result = run(plan_for(at("run")));
  std::vector<std::string> ids;
  for (const RecordLine& line : result.records) ids.push_back(line.record.task + " " + line.record.id);
  EXPECT_THAT(ids, testing::ElementsAre("qa one-0", "qa one-1", "qa one-2", "qa two-0", "qa two-1",
                                        "qa two-2", "choice 0", "text 0"));
  EXPECT_EQ(result.records[0].record.reused_tokens, 0u);
  EXPECT_GT(result.records[1].record.reused_tokens, 50u);
  EXPECT_EQ(result.records[3].record.reused_tokens, 0u) << "another document";
  EXPECT_FALSE(read_manifest(at("run")).running);
  EXPECT_EQ(read_manifest(at("run")).items, 8u);
}

TEST_F(RunnerTest, AModelThatCopiesTheNeedleScoresAHundredInEveryCell) {
  const RunResult result = run(plan_for(at("run")));
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(result.records[i].record.score, 1.0);
  const std::vector<TaskScore> tasks = score_tasks(result.records, Protocol::kOpenCompass);
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[0].score, 100);
  EXPECT_EQ(tasks[0].items, 6u);
}

TEST_F(RunnerTest, AModelThatNeverDoesScoresWhatTheRuleSays) {
  FakeModel model([](const std::string&) { return "no idea"; });
  const RunResult result = run_items(plan_for(at("run")), model, {});
  for (size_t i = 0; i < 6; ++i) {
    const double score = *result.records[i].record.score;
    EXPECT_GE(score, 0);
    EXPECT_LT(score, 0.2) << "a miss gets up to 20 points for likeness, never more";
  }
}

TEST_F(RunnerTest, TheLikeliestChoiceIsTheAnswer) {
  const RunResult result = run(plan_for(at("run")));
  const EvalRecord& record = result.records[6].record;
  EXPECT_EQ(record.prediction, "A") << "A is in 'Answer', B is in the prompt too: the first wins a tie";
  EXPECT_EQ(record.choice_log_likelihoods, (std::vector<double>{-0.5, -0.5}));
}

TEST_F(RunnerTest, ATextsScoreIsItsPerplexity) {
  const RunResult result = run(plan_for(at("run")));
  const EvalRecord& record = result.records[7].record;
  EXPECT_DOUBLE_EQ(record.parts.at("nats"), 3 * -0.5 - 2.0);
  EXPECT_EQ(record.parts.at("tokens"), 4);
  EXPECT_DOUBLE_EQ(*record.score, std::exp(-3.5 / 4));
  EXPECT_DOUBLE_EQ(score_tasks(result.records, Protocol::kOpenCompass)[2].score, std::exp(3.5 / 4));
}

TEST_F(RunnerTest, APairIsScoredOnceAsItIsJoined) {
  RunPlan plan = plan_for(at("run"));
  EvalItem first = plan.items[0], second = plan.items[0];
  first.metric.clear();
  first.references.clear();
  second.id = "one-0-fact";
  second.join_after = first.id;
  second.join_open = " [fact: ";
  second.join_close = "]";
  plan.items = {first, second};
  const RunResult result = run(plan);
  const EvalRecord &earlier = result.records[0].record, &later = result.records[1].record;
  EXPECT_FALSE(earlier.score.has_value());
  EXPECT_EQ(later.prediction, "the secret of one-0 [fact: the secret of one-0]");
  EXPECT_EQ(later.score, 1.0);
  EXPECT_EQ(score_tasks(result.records, Protocol::kOpenCompass)[0].items, 1u);
}

// Proof 7, without processes: tests/e2e/test_eval.py kills one.
TEST_F(RunnerTest, StoppedAnywhereAndResumedTheRecordsAreThoseOfOneRun) {
  run(plan_for(at("whole")));
  const std::vector<nlohmann::json> whole = records_but_times(at("whole"));
  for (size_t stop = 0; stop < 6; ++stop) {
    const fs::path out = at("cut-" + std::to_string(stop));
    RunPlan plan = plan_for(out);
    EXPECT_THROW(run(plan, stop), Error);
    EXPECT_EQ(records_but_times(out).size(), stop);
    EXPECT_TRUE(read_manifest(out).running);
    plan.resume = true;
    EXPECT_EQ(run(plan).found, stop);
    EXPECT_EQ(records_but_times(out), whole);
    EXPECT_EQ(read_manifest(out).json, read_manifest(at("whole")).json);
  }
}

TEST_F(RunnerTest, WhereverALineBreaksOffResumingMendsIt) {
  run(plan_for(at("whole")));
  const std::string bytes = test::read_file(at("whole") / kRecordsName);
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    const fs::path out = at("cut-" + std::to_string(round));
    fs::create_directory(out);
    fs::copy(at("whole") / kManifestName, out / kManifestName);
    const size_t kept = random() % bytes.size();
    std::ofstream(out / kRecordsName, std::ios::binary) << bytes.substr(0, kept);
    RunPlan plan = plan_for(out);
    plan.resume = true;
    const RunResult result = run(plan);
    EXPECT_EQ(result.dropped_broken_line, kept > 0 && bytes[kept - 1] != '\n');
    EXPECT_EQ(records_but_times(out), records_but_times(at("whole")));
  }
}

TEST_F(RunnerTest, ARunThatEndedIsOnlyShownAgain) {
  run(plan_for(at("run")));
  const std::string before = test::read_file(at("run") / kRecordsName);
  RunPlan plan = plan_for(at("run"));
  plan.resume = true;
  EXPECT_EQ(run(plan, 0).records.size(), 8u);
  EXPECT_EQ(test::read_file(at("run") / kRecordsName), before);
}

TEST_F(RunnerTest, AFolderThatIsThereIsNotWrittenInto) {
  run(plan_for(at("run")));
  EXPECT_THAT(refusal(plan_for(at("run"))), testing::HasSubstr("--resume"));
  folder_.write("else", "x");
  fs::create_directory(at("other"));
  folder_.write("other/notes.txt", "mine");
  EXPECT_THAT(refusal(plan_for(at("other"))), testing::HasSubstr("new folder"));
}

TEST_F(RunnerTest, AnotherRunsRecordsAreRefusedAndTheDifferenceNamed) {
  run(plan_for(at("run")));
  RunPlan plan = plan_for(at("run"));
  plan.resume = true;
  plan.manifest["model"]["sha256"] = "2";
  EXPECT_THAT(refusal(plan), testing::HasSubstr("model.sha256: \"1\" and \"2\""));
  plan = plan_for(at("run"));
  plan.resume = true;
  plan.manifest["data"] = {{{"file", "x.jsonl"}}};
  EXPECT_THAT(refusal(plan), testing::HasSubstr("another data"));
  plan = plan_for(at("run"));
  plan.resume = true;
  plan.manifest["machine"]["threads"] = 64;  // changes no result
  EXPECT_EQ(refusal(plan), "");
}

TEST_F(RunnerTest, RecordsThatAreNotTheItemsAreNamedByLine) {
  run(plan_for(at("run")));
  std::string text = test::read_file(at("run") / kRecordsName);
  const size_t second = text.find('\n') + 1;
  text.replace(text.find("one-1", second), 5, "one-9");
  std::ofstream(at("run") / kRecordsName, std::ios::binary) << text;
  RunPlan plan = plan_for(at("run"));
  plan.resume = true;
  EXPECT_THAT(refusal(plan), testing::HasSubstr("records.jsonl:2]"));
}

TEST_F(RunnerTest, TheRecordSaysWhatWasDropped) {
  RunPlan plan = plan_for(at("run"));
  plan.items.resize(1);
  plan.items[0].turns[0].content.insert(3, std::string(400, '.'));
  plan.truncation.window = 200;
  FakeModel model(test::copy_needle);
  const EvalRecord record = run_items(plan, model, {}).records.at(0).record;
  EXPECT_LE(model.longest, 200u);
  EXPECT_EQ(record.prompt_tokens, 160u);
  const size_t before = model.prompt_ids(plan.items[0].turns, false).size();
  EXPECT_EQ(record.dropped_tokens, before - 160);
  EXPECT_EQ(record.truncation["mode"], "middle");
  EXPECT_EQ(record.truncation["kept_first"], 80);
  EXPECT_EQ(record.truncation["kept_last"], 80);
  EXPECT_EQ(record.score, 1.0) << "the needle stood at the end";
}

TEST_F(RunnerTest, WhileOneRunWritesAnotherIsRefused) {
  run(plan_for(at("run")));
  const RecordFile held(at("run") / kRecordsName);
  RunPlan plan = plan_for(at("run"));
  plan.resume = true;
  EXPECT_THAT(refusal(plan), testing::HasSubstr("one run at a time"));
}

}  // namespace
}  // namespace longscroll
