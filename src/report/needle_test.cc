#include "report/needle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "report/test_runs.h"

namespace longscroll::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class NeedleMaps : public testing::Test {
 protected:
  std::vector<NeedleMap> maps(const std::vector<Json>& records) {
    write_run(folder_.path(), test_manifest("needle", records.size()), lines_of(records));
    return needle_maps(read_run(folder_.path()));
  }
  test::TempFolder folder_;
};

std::vector<Json> two_languages() {
  std::vector<Json> records;
  for (const uint64_t length : {32000, 9000}) {
    for (const uint64_t depth : {100, 0}) {
      records.push_back(needle_record("en", length, depth, 0, 1));
      records.push_back(needle_record("en", length, depth, 1, length == 32000 ? 0.5 : 1));
      records.push_back(needle_record("zh", length, depth, 0, depth == 0 ? 0.25 : 1));
    }
  }
  return records;
}

TEST_F(NeedleMaps, ACellIsTheMeanOfItsPromptsAndTheLastMapTheMeanOfTheLanguages) {
  const std::vector<NeedleMap> found = maps(two_languages());
  ASSERT_EQ(found.size(), 3u);
  EXPECT_THAT(found[0].lengths, ElementsAre(9000u, 32000u));
  EXPECT_THAT(found[0].depths, ElementsAre(0u, 100u));
  EXPECT_DOUBLE_EQ(found[0].cell(32000, 0)->score, 75);
  EXPECT_EQ(found[0].cell(32000, 0)->items, 2u);
  EXPECT_DOUBLE_EQ(found[1].cell(32000, 0)->score, 25);
  EXPECT_EQ(found[2].language, "mean");
  EXPECT_DOUBLE_EQ(found[2].cell(32000, 0)->score, 50);
  EXPECT_EQ(found[2].cell(32000, 0)->items, 3u);
}

TEST_F(NeedleMaps, TheOverallAverageIsTheMeanOverLengthsOfTheMeanOverDepths) {
  const NeedleMap mean = maps(two_languages()).back();
  EXPECT_DOUBLE_EQ(*mean.mean_over_depths(9000), (62.5 + 100) / 2);
  EXPECT_DOUBLE_EQ(*mean.mean_over_depths(32000), (50 + 87.5) / 2);
  EXPECT_DOUBLE_EQ(*mean.overall(), (81.25 + 68.75) / 2);
}

TEST_F(NeedleMaps, WithACellMissingThereIsNoAverageOverIt) {
  std::vector<Json> records = two_languages();
  records.erase(records.begin() + 2);  // zh, 32000, 100
  const std::vector<NeedleMap> found = maps(records);
  EXPECT_TRUE(found[0].overall());
  EXPECT_FALSE(found[1].overall());
  EXPECT_FALSE(found[1].mean_over_depths(32000));
  EXPECT_TRUE(found[1].mean_over_depths(9000));
  EXPECT_EQ(found[2].cell(32000, 100), nullptr);
  const std::string svg = heat_map(found[1], "zh", "m").element();
  EXPECT_THAT(svg, HasSubstr("No overall average: 3 of 4 cells"));
  EXPECT_THAT(svg, HasSubstr("not measured"));
}

TEST_F(NeedleMaps, OfPartOfARunHaveNoOverallAverage) {
  Json manifest = test_manifest("needle", 12);
  manifest["state"] = "running";
  write_run(folder_.path(), manifest, lines_of({needle_record("en", 9000, 0, 0, 1)}));
  const NeedleMap map = needle_maps(read_run(folder_.path())).front();
  EXPECT_DOUBLE_EQ(*map.mean_over_depths(9000), 100);
  EXPECT_FALSE(map.overall());
  EXPECT_THAT(heat_map(map, "en", "m").element(), HasSubstr("No overall average: part of the run"));
}

TEST_F(NeedleMaps, NameTheItemWhoseFieldsAreMissing) {
  Json record = needle_record("en", 9000, 0, 0, 1);
  record["fields"].erase("depth");
  try {
    maps({record});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("en-9000-0-0"));
    EXPECT_THAT(error.what(), HasSubstr("'depth'"));
  }
}

TEST_F(NeedleMaps, TheMapShowsEveryCellTheCurveAndTheScale) {
  const NeedleMap map = maps(two_languages()).back();
  const std::string svg = heat_map(map, "Mean <of> both", "m").element();
  for (const char* text :
       {">50.0<", ">62.5<", ">87.5<", ">100<", "81.25", "68.75", "Overall average 75.00", "top of document",
        "bottom of document", "9k", "32k", "m-scale", "Mean &lt;of&gt; both", "3 items"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  EXPECT_THAT(svg, Not(HasSubstr("*<")));
}

TEST_F(NeedleMaps, MarkACellOfFewerItems) {
  std::vector<Json> records = two_languages();
  records.erase(records.begin());
  EXPECT_THAT(heat_map(maps(records).front(), "en", "m").element(), HasSubstr("*</text>"));
}

TEST(ScoreColour, GoesFromRedThroughYellowToGreen) {
  EXPECT_EQ(hex(score_colour(0)), "#f0496e");
  EXPECT_EQ(hex(score_colour(50)), "#ebb839");
  EXPECT_EQ(hex(score_colour(100)), "#0cd79f");
  EXPECT_EQ(hex(score_colour(140)), "#0cd79f");
}

}  // namespace
}  // namespace longscroll::report
