#include "report/training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "report/report.h"
#include "report/test_runs.h"

namespace longscroll::report {
namespace {

using testing::HasSubstr;

std::string metrics(size_t steps) {
  std::string text;
  for (size_t step = 1; step <= steps; ++step) {
    text += Json{{"step", step},          {"tokens", step * 100}, {"loss", 3.0 / static_cast<double>(step)},
                 {"learning_rate", 1e-5}, {"gradient_norm", 0.5}, {"tokens_per_second", 812.0},
                 {"margin", -0.25}}
                .dump() +
            "\n";
  }
  return text + R"({"step":2,"evaluation":{"targets":90,"perplexity":12.5}})" + "\n";
}

class Training : public testing::Test {
 protected:
  std::filesystem::path run(const std::string& text) {
    write_text(folder_.path() / "pt" / "metrics.jsonl", text);
    return folder_.path() / "pt";
  }
  test::TempFolder folder_;
};

TEST_F(Training, RunIsReadStepByStepWithItsEvaluations) {
  const TrainingRun read = read_training_run(run(metrics(3)));
  EXPECT_EQ(read.label, "pt");
  ASSERT_EQ(read.steps.size(), 3u);
  EXPECT_EQ(read.steps[2].loss, 1.0);
  EXPECT_EQ(read.steps[2].measures[0].second, -0.25);
  ASSERT_EQ(read.evaluations.size(), 1u);
  EXPECT_EQ(read.evaluations[0].perplexity, 12.5);
}

TEST_F(Training, LineThatIsStillBeingWrittenIsLeftOut) {
  EXPECT_EQ(read_training_run(run(metrics(3) + R"({"step":4,"tok)")).steps.size(), 3u);
}

TEST_F(Training, LineOfAnotherKindIsNamed) {
  for (const char* bad : {"[]\n", "{\"step\":4}\n", "{\"step\":4,\"evaluation\":3}\n", "x\n"}) {
    try {
      read_training_run(run(metrics(3) + bad));
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("line 5")) << bad;
    }
  }
  EXPECT_THROW(read_training_run(run("")), Error);
}

TEST_F(Training, PageHasItsCurvesAndTableItsSteps) {
  const auto out = folder_.path() / "out";
  write_report({.runs = {run(metrics(60))}, .out = out, .title = {}, .compare = {}, .published = false});
  const std::string page = read_text(out / "index.html");
  for (const char* title : {"Training loss", "Held-out perplexity", "Margin of chosen over rejected"})
    EXPECT_THAT(page, HasSubstr(title));
  EXPECT_THAT(read_text(out / "training.csv"), HasSubstr("pt,60,6000,0.05,"));
  EXPECT_TRUE(std::filesystem::exists(out / "figures" / "training-loss.svg"));
}

}  // namespace
}  // namespace longscroll::report
