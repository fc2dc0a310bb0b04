// The whole way from run directories to files, small cases and hostile texts.
#include "report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/utf8.h"
#include "report/items.h"
#include "report/perplexity.h"
#include "report/scores.h"
#include "report/test_runs.h"

namespace longscroll::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Report : public testing::Test {
 protected:
  std::filesystem::path run(const std::string& name, const Json& manifest, const std::vector<Json>& records) {
    write_run(folder_.path() / name, manifest, lines_of(records));
    return folder_.path() / name;
  }
  std::filesystem::path out() const { return folder_.path() / "out"; }
  std::string html(const ReportRequest& request) {
    write_report(request);
    return read_text(out() / "index.html");
  }
  test::TempFolder folder_;
};

std::vector<Json> longbench_items(size_t each, double score) {
  std::vector<Json> records;
  const SuiteInfo suite = *known_suite("longbench", Protocol::kOpenCompass);
  for (const SuiteTask& task : suite.tasks) {
    for (size_t i = 0; i < each; ++i) {
      Json record = test_record(task.name, std::to_string(i), score);
      record["metric"] = task.metric;
      records.push_back(record);
    }
  }
  return records;
}

TEST_F(Report, OfPublishedScoresAloneNeedsNoRun) {
  const std::string page = html({.runs = {}, .out = out(), .title = {}, .compare = {}, .published = true});
  for (const char* number : {"35.2356", "23.7229", "29.3065", "51.0301", "35.8583", "39.3745", "23.9044",
                             "61.4866", "7.6457", "10.9014"}) {
    EXPECT_THAT(page, HasSubstr(number));
    EXPECT_THAT(read_text(out() / "report.md"), HasSubstr(number));
  }
  EXPECT_THAT(read_text(out() / "averages.csv"), HasSubstr("Qwen2-1.5B-Instruct,longbench,published"));
  EXPECT_TRUE(std::filesystem::exists(out() / "figures" / "averages.svg"));
  EXPECT_THAT(page, Not(HasSubstr("id=\"items-data\"")));
}

TEST_F(Report, NeedsNoNetworkAndNoOtherFile) {
  const std::string page = html({.runs = {run("a", test_manifest("longbench", 21), longbench_items(1, 0.5))},
                                 .out = out(),
                                 .title = {},
                                 .compare = {},
                                 .published = false});
  for (const char* outside : {"src=\"", "href=\"http", "@import", "url(http", "<link"}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST_F(Report, SaysNOfNBesideANumberOverPartOfTheItems) {
  Json manifest = test_manifest("longbench", 42);
  manifest["limit"] = 2;
  html({.runs = {run("a", manifest, longbench_items(2, 0.5))},
        .out = out(),
        .title = {},
        .compare = {},
        .published = false});
  const std::string text = read_text(out() / "report.md");
  EXPECT_THAT(text, HasSubstr("| 50.00 (2 of 200) |"));
  EXPECT_THAT(text, HasSubstr("**50.0000 (42 of 4,750)**"));
  EXPECT_THAT(text, HasSubstr("At most 2 items of each task"));
}

TEST_F(Report, GivesNoAverageOverPartOfTheTasks) {
  std::vector<Json> records = longbench_items(1, 0.5);
  std::erase_if(records, [](const Json& record) { return record["task"] == "lcc"; });
  html({.runs = {run("a", test_manifest("longbench", records.size()), records)},
        .out = out(),
        .title = {},
        .compare = {},
        .published = false});
  const std::string text = read_text(out() / "report.md");
  EXPECT_THAT(text, HasSubstr("**– (1 of 2 tasks)**"));
  EXPECT_THAT(text, HasSubstr("**– (20 of 21 tasks)**"));
  EXPECT_THAT(text, HasSubstr("– (not run)"));
  EXPECT_THAT(read_text(out() / "averages.csv"), Not(HasSubstr("tiny,longbench,opencompass,overall")));
}

TEST_F(Report, SaysThatARunHasNotEnded) {
  Json manifest = test_manifest("longbench", 100);
  manifest["state"] = "running";
  const auto directory = run("a", manifest, longbench_items(1, 1));
  const ReportSummary summary =
      write_report({.runs = {directory}, .out = out(), .title = {}, .compare = {}, .published = false});
  EXPECT_THAT(summary.remarks, testing::ElementsAre(HasSubstr("not ended: 21 of 100")));
  EXPECT_THAT(read_text(out() / "index.html"), HasSubstr("not ended: 21 of 100"));
  EXPECT_EQ(summary.files.front(), out() / "index.html");
}

TEST_F(Report, HostileTextsStayText) {
  const std::string evil =
      "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x01\x1b[31m\u202e|`";
  Json record = test_record(evil, evil, 0.5);
  for (const char* key : {"prediction", "scored_prediction", "finish", "prompt_sha256"}) record[key] = evil;
  record["references"] = {evil};
  record["scored_references"] = {evil};
  record["fields"] = {{evil, evil}, {"deep", {{evil, {evil}}}}};
  record["parts"] = {{evil, 1}};
  record["truncation"] = {{"mode", evil}};
  record["dropped_tokens"] = 5;
  Json manifest = test_manifest(evil, 1);
  manifest["label"] = evil;
  manifest["model"]["name"] = evil;
  manifest[evil] = evil;
  const std::string page = html({.runs = {run("a", manifest, {record})},
                                 .out = out(),
                                 .title = evil,
                                 .compare = {},
                                 .published = false});
  EXPECT_TRUE(is_valid_utf8(page));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  size_t scripts = 0;  // ours: the data and the code
  for (size_t at = page.find("<script"); at != std::string::npos; at = page.find("<script", at + 1))
    ++scripts;
  EXPECT_EQ(scripts, 2u);
  for (const auto& entry : std::filesystem::directory_iterator(out() / "figures")) {
    EXPECT_THAT(read_text(entry.path()), AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<img"))));
    EXPECT_EQ(entry.path().filename().string().find_first_not_of(
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."),
              std::string::npos);
  }
}

TEST_F(Report, ComparesTwoRunsByLabelOrDirectory) {
  Json other = test_manifest("longbench", 42);
  other["label"] = "other";
  const auto a = run("a", test_manifest("longbench", 42), longbench_items(2, 0.25));
  const auto b = run("b", other, longbench_items(2, 0.75));
  html({.runs = {a, b},
        .out = out(),
        .title = {},
        .compare = std::pair(std::string("tiny"), b.string()),
        .published = false});
  const std::string text = read_text(out() / "report.md");
  EXPECT_THAT(text, HasSubstr("42 items matched by task and id"));
  EXPECT_THAT(text, HasSubstr("| NarrativeQA | 2 | 25.00 | 75.00 | +50.00 |"));
  EXPECT_THAT(text, HasSubstr("**Average** | **42** | **25.00** | **75.00** | **+50.00** |"));
  EXPECT_THAT(read_text(out() / "comparison.csv"),
              HasSubstr("longbench,All matched tasks,42,25,75,50,50,50"));
  EXPECT_THROW(
      write_report(
          {.runs = {a}, .out = out(), .title = {}, .compare = std::pair("tiny", "none"), .published = false}),
      Error);
  EXPECT_THROW(
      write_report(
          {.runs = {a}, .out = out(), .title = {}, .compare = std::pair("tiny", "tiny"), .published = false}),
      Error);
}

TEST_F(Report, ComparesTwoLabelsInEverySuiteThatBothHave) {
  std::vector<std::filesystem::path> runs;
  for (const std::string suite : {"longbench", "own"}) {
    for (const std::string label : {"one", "two"}) {
      Json manifest = test_manifest(suite, 42);
      manifest["label"] = label;
      runs.push_back(run(suite + label, manifest, longbench_items(2, label == "one" ? 0.25 : 0.75)));
    }
  }
  html({.runs = runs, .out = out(), .title = {}, .compare = std::pair("one", "two"), .published = false});
  const std::string text = read_text(out() / "report.md");
  EXPECT_THAT(text, HasSubstr("Two runs compared: longbench"));
  EXPECT_THAT(text, HasSubstr("Two runs compared: own"));
  EXPECT_THAT(read_text(out() / "comparison.csv"), HasSubstr("own,All matched tasks,42,25,75,50,50,50"));
}

TEST_F(Report, KeepsTwoRunsOfOneLabelApart) {
  const auto a = run("a", test_manifest("longbench", 21), longbench_items(1, 0.25));
  const auto b = run("b", test_manifest("longbench", 21), longbench_items(1, 0.75));
  html({.runs = {a, b}, .out = out(), .title = {}, .compare = {}, .published = false});
  EXPECT_THAT(read_text(out() / "scores.csv"),
              AllOf(HasSubstr("tiny,longbench"), HasSubstr("tiny-2,longbench")));
}

TEST_F(Report, ASuiteOfOnesOwnHasItsTasksAndNoAverage) {
  html({.runs = {run("a", test_manifest("mine", 2), {test_record("t1", "1", 1), test_record("t2", "1", 0)})},
        .out = out(),
        .title = {},
        .compare = {},
        .published = false});
  const std::string text = read_text(out() / "report.md");
  EXPECT_THAT(text, HasSubstr("how its tasks are averaged is not known"));
  EXPECT_THAT(text, HasSubstr("| t1 | 100.00 |"));
}

TEST_F(Report, TakesTheSizeOfATaskFromItsDataFileUnlessThereWasALimit) {
  Json manifest = test_manifest("mine", 9);
  manifest["state"] = "running";
  manifest["data"] = {{{"file", "mine/t1.jsonl"}, {"sha256", "00"}, {"items", 9}}};
  const std::vector<Json> records = {test_record("t1", "1", 1), test_record("t1", "2", 1)};
  const report::Run without = read_run(run("a", manifest, records));
  EXPECT_EQ(score_run(without, nullptr).tasks[0].of, 9u);
  manifest["limit"] = 9;
  const TaskScore limited = score_run(read_run(run("b", manifest, records)), nullptr).tasks[0];
  EXPECT_FALSE(limited.of);
  EXPECT_TRUE(limited.partial);
}

TEST_F(Report, NamesAMetricThatItDoesNotKnow) {
  Json record = test_record("t", "1", 1);
  record["metric"] = "nobody.knows";
  const auto a = run("a", test_manifest("mine", 1), {record});
  try {
    write_report({.runs = {a}, .out = out(), .title = {}, .compare = {}, .published = false});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("records.jsonl"), HasSubstr("nobody.knows")));
  }
}

TEST_F(Report, DrawsNeedleMapsWithTheMeanOfTheLanguagesFirst) {
  std::vector<Json> records;
  for (const char* language : {"en", "zh"}) {
    for (const uint64_t length : {9000, 32000}) records.push_back(needle_record(language, length, 50, 0, 1));
  }
  const std::string page = html({.runs = {run("a", test_manifest("needle", 4), records)},
                                 .out = out(),
                                 .title = {},
                                 .compare = {},
                                 .published = false});
  EXPECT_LT(page.find("Mean of the languages: tiny"), page.find("English: tiny"));
  EXPECT_TRUE(std::filesystem::exists(out() / "figures" / "needle-tiny-mean.svg"));
  EXPECT_THAT(read_text(out() / "needle.csv"), HasSubstr("tiny,opencompass,single,mean,32000,50,2,100"));
}

TEST_F(Report, PerplexityIsOverAllTokensOfALength) {
  std::vector<Json> records;
  for (size_t i = 0; i < 2; ++i) {
    Json record = test_record("book", std::to_string(i), 0);
    record["metric"] = "perplexity";
    record["choice_log_likelihoods"] = {i == 0 ? -10.0 : -60.0};
    record["choice_tokens"] = {i == 0 ? 10 : 30};
    record["fields"] = {{"length", 4096}};
    records.push_back(record);
  }
  const auto directory = run("a", test_manifest("perplexity", 2), records);
  const std::vector<PerplexityCurve> curves = perplexity_curves(read_run(directory));
  ASSERT_EQ(curves.size(), 1u);
  ASSERT_EQ(curves[0].points.size(), 1u);
  EXPECT_EQ(curves[0].points[0].tokens, 40u);
  EXPECT_NEAR(curves[0].points[0].perplexity(), std::exp(70.0 / 40), 1e-12);
  EXPECT_THAT(html({.runs = {directory}, .out = out(), .title = {}, .compare = {}, .published = false}),
              HasSubstr(fmt::format("{:.4f}", std::exp(70.0 / 40))));
}

TEST_F(Report, TenThousandLongItemsStayAPageThatOpens) {
  std::vector<Json> records;
  Json manifest = test_manifest("mine", 10'000);
  for (size_t i = 0; i < 10'000; ++i) {
    Json record = test_record("t", std::to_string(i), 0.5);
    record["prediction"] = std::string(1000, 'x');
    record["references"] = Json::array();
    for (size_t r = 0; r < 3; ++r) record["references"].push_back(std::string(500, 'y'));
    records.push_back(record);
  }
  const std::string page = html(
      {.runs = {run("a", manifest, records)}, .out = out(), .title = {}, .compare = {}, .published = false});
  EXPECT_LT(page.size(), size_t{32} << 20);
  EXPECT_THAT(page, HasSubstr("Texts are cut after 314 characters here"));
  EXPECT_THAT(page, HasSubstr(std::string(314, 'x') + "…"));
  EXPECT_THAT(page, Not(HasSubstr(std::string(315, 'x'))));
}

TEST(TextLimit, ShrinksWithTheItemsAndHasAFloor) {
  EXPECT_EQ(text_limit(10), 4000u);
  EXPECT_EQ(text_limit(10'000), 314u);
  EXPECT_EQ(text_limit(1'000'000), 160u);
}

TEST_F(Report, LeavesOtherFilesInTheFolderAlone) {
  write_text(out() / "notes.txt", "mine");
  html({.runs = {}, .out = out(), .title = {}, .compare = {}, .published = true});
  EXPECT_EQ(read_text(out() / "notes.txt"), "mine");
}

}  // namespace
}  // namespace longscroll::report
