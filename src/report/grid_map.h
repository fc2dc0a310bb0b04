// A table of numbers as colours: one rectangle a cell, green where it is best, red where it is worst.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/svg.h"

namespace longscroll::report {

struct GridCell {
  double badness = 0;  // 0 to 1, the colour
  std::string text;    // in the cell: short
  std::string tip;
};

struct GridMap {
  std::vector<std::string> rows;     // labels, above to below
  std::vector<std::string> columns;  // left to right
  std::string column_axis;
  std::vector<std::vector<std::optional<GridCell>>> cells;  // [row][column]; nullopt: not measured
  std::string scale_name;                                   // of what the colours mean, with its ends
  std::string best;
  std::string worst;
};

// `id` is unique in the page.
Svg grid_map(const GridMap& map, const std::string& title, const std::string& id);

}  // namespace longscroll::report
