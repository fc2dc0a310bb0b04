#include "report/grid_map.h"

#include <algorithm>

#include "report/needle.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

// User units.
constexpr double kGridTitleHeight = 34;
constexpr double kGridCellWidth = 62;
constexpr double kGridCellHeight = 27;
constexpr double kGridRight = 14;
constexpr double kGridBelowMap = 104;
constexpr double kGridLeastWidth = 380;
constexpr double kGridCharacter = 7.4;
constexpr size_t kGridMostLabel = 28;

// The scale's name stands below the rows'.
double label_room(const GridMap& map) {
  size_t longest = display_width(map.scale_name);
  for (const std::string& row : map.rows)
    longest = std::max(longest, std::min(kGridMostLabel, display_width(row)));
  return static_cast<double>(longest) * kGridCharacter + 12;
}

}  // namespace

Svg grid_map(const GridMap& map, const std::string& title, const std::string& id) {
  const double left = label_room(map);
  const auto columns = static_cast<double>(map.columns.size());
  const double width = std::max(kGridLeastWidth, left + kGridCellWidth * columns + kGridRight);
  const double cell_width = (width - left - kGridRight) / std::max(1.0, columns);
  const double bottom = kGridTitleHeight + kGridCellHeight * static_cast<double>(map.rows.size());
  Svg svg(width, bottom + kGridBelowMap, title);
  svg.text(0, 15, shortened(title, static_cast<size_t>(width / 10.4)), "title");
  for (size_t r = 0; r < map.rows.size(); ++r) {
    const double y = kGridTitleHeight + kGridCellHeight * static_cast<double>(r);
    svg.text(left - 8, y + kGridCellHeight / 2 + 4.5, shortened(map.rows[r], kGridMostLabel), "",
             Anchor::kEnd);
    for (size_t c = 0; c < map.columns.size(); ++c) {
      const double x = left + cell_width * static_cast<double>(c);
      const std::optional<GridCell>& cell = map.cells[r][c];
      const std::string place = map.rows[r] + ", " + map.columns[c];
      svg.rect(x, y, cell_width - 1, kGridCellHeight - 1,
               cell ? "fill:" + hex(score_colour(100 * (1 - cell->badness))) : "empty",
               place + ": " + (cell ? cell->tip : "not measured"));
      svg.text(x + cell_width / 2, y + kGridCellHeight / 2 + 4.5, cell ? cell->text : "–",
               cell ? "incell" : "soft", Anchor::kMiddle);
    }
  }
  for (size_t c = 0; c < map.columns.size(); ++c) {
    svg.text(left + cell_width * (static_cast<double>(c) + 0.5), bottom + 17, map.columns[c], "",
             Anchor::kMiddle);
  }
  svg.text(width - kGridRight, bottom + 37, map.column_axis, "soft", Anchor::kEnd);
  const double bar = width - left - kGridRight;
  svg.text(left - 8, bottom + 69, map.scale_name, "soft", Anchor::kEnd);
  svg.gradient(left, bottom + 58, bar, 14, {score_colour(100), score_colour(50), score_colour(0)},
               id + "-scale");
  svg.text(left, bottom + 88, map.best, "soft");
  svg.text(left + bar, bottom + 88, map.worst, "soft", Anchor::kEnd);
  return svg;
}

}  // namespace longscroll::report
