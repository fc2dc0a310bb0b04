#include "report/rope_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/charts.h"
#include "report/grid_map.h"

namespace longscroll::report {
namespace {

using testing::HasSubstr;
using testing::Not;

RopeMap two_methods() {
  RopeMap map{"A map", {"own", "<yarn:4>"}, {1024, 2048}, {}};
  map.cells[{"own", 1024}] = {{std::log(8.0) * 100, 100}, {{64, {2.0, 1}}, {1024, {3.0, 2}}}, 0};
  map.cells[{"own", 2048}] = {{std::log(4000.0) * 100, 100}, {{64, {2.0, 1}}, {2048, {30.0, 4}}}, 0};
  map.cells[{"<yarn:4>", 2048}] = {{std::log(16.0) * 50, 50}, {{64, {2.5, 1}}}, 0};
  return map;
}

TEST(RopeMap, ThePageHasTheNumbersTheFiguresAndWhatIsMissing) {
  const Page page = rope_map_page(two_methods(), {"One file was too short."});
  const std::string html = html_page(page);
  EXPECT_THAT(html, HasSubstr("8.0000"));
  EXPECT_THAT(html, HasSubstr("16.0000"));
  EXPECT_THAT(html, HasSubstr("4.0e+03"));
  EXPECT_THAT(html, HasSubstr("not measured"));
  EXPECT_THAT(html, HasSubstr("One file was too short."));
  EXPECT_THAT(html, HasSubstr("&lt;yarn:4&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<yarn:4>")));
  size_t figures = 0;
  for (const Block& block : page.sections[0].blocks) figures += std::holds_alternative<Figure>(block) ? 1 : 0;
  EXPECT_EQ(figures, 3u);
}

TEST(RopeMap, AMapWithoutCellsStillMakesAPage) {
  EXPECT_THAT(html_page(rope_map_page({"Empty", {"own"}, {1024}, {}}, {})), HasSubstr("Empty"));
}

TEST(CurveChart, ALogScaleMarksPowersAndLeavesOutWhatItCannotShow) {
  const std::string svg = curve_chart("Bases", {{"needed", {{1024, 2e4}, {2048, 5e6}, {4096, 0.0}}}},
                                      "Window", "Base", Scale::kLog)
                              .document();
  EXPECT_THAT(svg, HasSubstr("10⁴"));
  EXPECT_THAT(svg, HasSubstr("10⁷"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(CurveChart, ColoursThatComeAgainAreDashed) {
  std::vector<Curve> curves;
  for (int i = 0; i < 7; ++i) curves.push_back({std::to_string(i), {{1, i + 1.0}, {2, i + 2.0}}});
  EXPECT_THAT(curve_chart("Seven", curves, "x", "y").document(), HasSubstr("curve one dashed"));
}

}  // namespace
}  // namespace longscroll::report
