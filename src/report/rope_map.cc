#include "report/rope_map.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "report/charts.h"
#include "report/grid_map.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

// A perplexity in a cell: four digits.
std::string short_text(double perplexity) {
  if (!std::isfinite(perplexity)) return "inf";
  return perplexity < 1000 ? fmt::format("{:.4g}", perplexity) : fmt::format("{:.1e}", perplexity);
}

// "Perplexity by rotation and length"
std::string by_row(const RopeMap& map, const char* and_what) {
  std::string name = map.row_name;
  name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
  return fmt::format("Perplexity by {} and {}", name, and_what);
}

Table table_of(const RopeMap& map) {
  Table table{by_row(map, "context length"), {{map.row_name, "", false}}, {}};
  for (const uint64_t length : map.lengths) table.columns.push_back({length_label(length), "tokens", true});
  for (const std::string& method : map.methods) {
    Row row{{Cell(method)}, RowKind::kPlain};
    for (const uint64_t length : map.lengths) {
      const RopeMapCell* cell = map.cell(method, length);
      row.cells.push_back(cell == nullptr ? Cell("–")
                                          : Cell(fixed(cell->counted.perplexity(), 4),
                                                 thousands(cell->counted.tokens) + " tokens"));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

// Colours go by the logarithm of perplexity, as in the report's figure.
GridMap grid_of(const RopeMap& map) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const auto& [place, cell] : map.cells) {
    least = std::min(least, cell.counted.mean());
    most = std::max(most, cell.counted.mean());
  }
  GridMap grid{map.methods,
               {},
               "Context length, tokens",
               {},
               "Perplexity",
               short_text(std::exp(least)),
               short_text(std::exp(most))};
  for (const uint64_t length : map.lengths) grid.columns.push_back(length_label(length));
  for (const std::string& method : map.methods) {
    auto& row = grid.cells.emplace_back();
    for (const uint64_t length : map.lengths) {
      const RopeMapCell* cell = map.cell(method, length);
      if (cell == nullptr) {
        row.emplace_back();
        continue;
      }
      const double share = most > least ? (cell->counted.mean() - least) / (most - least) : 0;
      row.emplace_back(
          GridCell{share, short_text(cell->counted.perplexity()),
                   fmt::format("perplexity {}, {} tokens", short_text(cell->counted.perplexity()),
                               thousands(cell->counted.tokens))});
    }
  }
  return grid;
}

std::vector<Curve> curves_by_length(const RopeMap& map) {
  std::vector<Curve> curves;
  for (const std::string& method : map.methods) {
    Curve& curve = curves.emplace_back(Curve{method, {}});
    for (const uint64_t length : map.lengths) {
      if (const RopeMapCell* cell = map.cell(method, length))
        curve.points.emplace_back(static_cast<double>(length), cell->counted.perplexity());
    }
  }
  return curves;
}

std::vector<Curve> curves_by_position(const RopeMap& map) {
  std::vector<Curve> curves;
  for (const std::string& method : map.methods) {
    const RopeMapCell* cell = map.cell(method, map.lengths.back());
    if (cell == nullptr) continue;
    Curve& curve = curves.emplace_back(Curve{method, {}});
    for (const auto& [bucket, loss] : cell->by_position)
      curve.points.emplace_back(static_cast<double>(bucket), loss.mean());
  }
  return curves;
}

}  // namespace

double LossCount::perplexity() const {
  return std::exp(mean());
}

const RopeMapCell* RopeMap::cell(const std::string& method, uint64_t length) const {
  const auto found = cells.find({method, length});
  return found == cells.end() || found->second.counted.tokens == 0 ? nullptr : &found->second;
}

Section rope_map_section(const RopeMap& map, const std::vector<std::string>& remarks) {
  Section section{"map", by_row(map, "length"), {}};
  for (const std::string& remark : remarks) section.blocks.emplace_back(Paragraph{remark});
  section.blocks.emplace_back(table_of(map));
  if (!map.cells.empty()) {
    section.blocks.emplace_back(Figure{"rope-map", "Colours go by the logarithm.",
                                       grid_map(grid_of(map), by_row(map, "length"), "rope-map")});
    section.blocks.emplace_back(Figure{"rope-curves", "",
                                       curve_chart("Perplexity by length", curves_by_length(map),
                                                   "Context length, tokens", "Perplexity", Scale::kLog)});
    section.blocks.emplace_back(Figure{
        "rope-positions",
        fmt::format(
            "Windows of {} tokens; each point is the mean of all tokens with at most so many, and more "
            "than the point before, ahead of them.",
            thousands(map.lengths.back())),
        curve_chart("Loss by position", curves_by_position(map), "Tokens before", "Nats a token")});
  }
  return section;
}

Page rope_map_page(const RopeMap& map, const std::vector<std::string>& remarks) {
  return {map.title, {rope_map_section(map, remarks)}, ""};
}

}  // namespace longscroll::report
