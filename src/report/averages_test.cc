// Proof that the report's category and overall averages come out of its per-task scores.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "report/published.h"
#include "report/scores.h"
#include "report/test_runs.h"

namespace longscroll::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SuiteInfo suite(const std::string& name) {
  return *known_suite(name, Protocol::kOpenCompass);
}

std::map<std::string, double> means_of(const std::string& suite_name, const std::string& model,
                                       uint64_t table = 1) {
  for (const PublishedColumn* column : published().of(suite_name, table)) {
    if (column->model == model) return group_means(suite(suite_name), column->counted());
  }
  return {};
}

double overall(const std::string& suite_name, const std::string& model, uint64_t table = 1) {
  return means_of(suite_name, model, table).at(suite(suite_name).groups.back().name);
}

// The groups' means in the order of the suite, without the last, the overall one.
std::vector<double> groups(const std::string& suite_name, const std::string& model) {
  const std::map<std::string, double> means = means_of(suite_name, model);
  std::vector<double> values;
  for (const LayoutRow& row : layout(suite(suite_name), {})) {
    if (row.kind == LayoutRow::Kind::kGroup) values.push_back(means.at(row.name));
  }
  return values;
}

constexpr double kPrinted4 = 0.00005000001;  // half a unit of the report's last digit

auto near4(double value) {
  return testing::DoubleNear(value, kPrinted4);
}

TEST(Averages, OfLongBenchAreTheReports) {
  EXPECT_THAT(overall("longbench", "Index-1.9B-32K"), near4(35.2356));
  EXPECT_THAT(overall("longbench", "Qwen2-1.5B-Instruct"), near4(23.7229));
  EXPECT_THAT(overall("longbench", "longchat-7b-v1.5-32k"), near4(29.3065));
  EXPECT_THAT(overall("longbench", "GPT-4"), near4(51.0301));
}

TEST(Averages, OfLEvalAreTheReports) {
  EXPECT_THAT(overall("leval", "Index-1.9B-32K"), near4(35.8583));
  EXPECT_THAT(overall("leval", "Qwen2-1.5B-Instruct"), near4(39.3745));
  EXPECT_THAT(overall("leval", "longchat-7b-v1.5-32k"), near4(23.9044));
  EXPECT_THAT(overall("leval", "GPT-4"), near4(61.4866));
}

TEST(Averages, OfOtherWaysToALongWindowCountADashAsNothing) {
  constexpr double kPrinted2 = 0.005000001;
  EXPECT_NEAR(overall("longbench", "Index-1.9B-4K", 2), 7.65, kPrinted2);
  EXPECT_NEAR(overall("longbench", "Index-1.9B-4K Dynamic NTK", 2), 10.9, kPrinted2);
}

TEST(Averages, OfCategoriesAreTheReports) {
  EXPECT_THAT(groups("longbench", "Index-1.9B-32K"),
              ElementsAre(near4(37.305), near4(25.9375), near4(17.46), near4(51.0425),
                          testing::DoubleNear(15.3333, 0.0004), near4(64.335)));
  EXPECT_THAT(groups("longbench", "GPT-4"),
              ElementsAre(near4(48.3675), near4(50.8875), near4(25.13), near4(64.6275),
                          testing::DoubleNear(59.833, 0.0005), near4(57.335)));
  EXPECT_THAT(groups("leval", "Index-1.9B-32K"), ElementsAre(near4(41.542), near4(30.17461538)));
  EXPECT_THAT(groups("leval", "Qwen2-1.5B-Instruct"), ElementsAre(near4(46.412), near4(32.33692308)));
  EXPECT_THAT(groups("leval", "longchat-7b-v1.5-32k"), ElementsAre(near4(21.008), near4(26.80076923)));
  EXPECT_THAT(groups("leval", "GPT-4"), ElementsAre(near4(81.434), near4(41.53923077)));
}

TEST(Averages, AreMissingWhereATaskIs) {
  std::map<std::string, double> scores = published().of("longbench", 1).front()->counted();
  scores.erase("lcc");
  const std::map<std::string, double> means = group_means(suite("longbench"), scores);
  EXPECT_FALSE(means.contains(suite("longbench").groups.back().name));
  EXPECT_FALSE(means.empty());
}

TEST(Published, NamesTheTasksOfTheSuites) {
  for (const PublishedColumn& column : published().columns) {
    std::vector<std::string> names;
    for (const auto& [task, score] : column.scores) names.push_back(task);
    const SuiteInfo info = suite(column.suite);
    std::vector<std::string> tasks = tasks_below(info, info.groups.back());
    std::sort(tasks.begin(), tasks.end());
    EXPECT_EQ(names, tasks) << column.suite << " " << column.model;
  }
}

TEST(Published, RefusesFilesThatAreNoTables) {
  const auto fault = [](const std::string& text) -> std::string {
    try {
      parse_published(text, "given.json");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(fault("{}"), HasSubstr("'source'"));
  EXPECT_THAT(
      fault(
          R"({"source":"s","labels":{},"columns":[{"suite":"a","tables":[1],"model":"m","note":"","scores":{"t":101}}]})"),
      HasSubstr("0 to 100"));
  EXPECT_THAT(
      fault(
          R"({"source":"s","labels":{},"columns":[{"suite":"a","tables":1,"model":"m","note":"","scores":{}}]})"),
      HasSubstr("'tables'"));
}

std::filesystem::path shared_folder() {
  const char* given = std::getenv("LONGSCROLL_SHARED");
  return given != nullptr ? std::filesystem::path(given)
                          : std::filesystem::path(LONGSCROLL_SOURCE_DIR) / ".." / "shared";
}

// Every published number is one of the report's own text, in the row of its task.
TEST(Published, StandsInTheReportsText) {
  const std::filesystem::path path = shared_folder() / "report" / "Index-1.9B-32K_report.txt";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  std::multimap<std::string, std::vector<std::string>> rows;  // by the first cell
  std::istringstream text(read_text(path));
  for (std::string line; std::getline(text, line);) {
    std::vector<std::string> cells;
    std::istringstream parts(line);
    for (std::string cell; std::getline(parts, cell, '|');) {
      const size_t begin = cell.find_first_not_of(' ');
      cells.push_back(
          begin == std::string::npos ? "" : cell.substr(begin, cell.find_last_not_of(' ') - begin + 1));
    }
    if (cells.size() > 3) rows.emplace(cells.front(), cells);
  }
  size_t compared = 0;
  for (const PublishedColumn& column : published().columns) {
    const std::vector<LayoutRow> rows_of_suite = layout(suite(column.suite), {});
    for (const auto& [task, score] : column.scores) {
      const auto row = std::find_if(rows_of_suite.begin(), rows_of_suite.end(),
                                    [&](const LayoutRow& r) { return r.name == task; });
      ASSERT_NE(row, rows_of_suite.end()) << task;
      bool found = false;
      const auto [first, last] = rows.equal_range(row->label);
      for (auto at = first; at != last; ++at) {
        for (size_t i = 1; i < at->second.size(); ++i) {
          const std::string& cell = at->second[i];
          const bool is_number = !cell.empty() && cell != "-";
          found = found || (score ? is_number && std::strtod(cell.c_str(), nullptr) == *score : cell == "-");
        }
      }
      EXPECT_TRUE(found) << column.model << " " << task << " as " << row->label;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 4u * 21 + 2 * 21 + 4 * 18);
}

}  // namespace
}  // namespace longscroll::report
