// Drawing of needle.h's heat map, from above: the title, the curve of the mean over depths, the cells, the
// lengths, the colour scale.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/needle.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

// User units of the figure.
constexpr double kLeft = 46;  // for the depths' labels
constexpr double kRight = 14;
constexpr double kCellWidth = 51;
constexpr double kCellHeight = 27;
constexpr double kCurveTop = 66;
constexpr double kCurveHeight = 54;
constexpr double kMapTop = 150;
constexpr double kBelowMap = 104;
constexpr double kLeastWidth = 380;  // for the titles of small grids

constexpr Rgb kRed{0xF0, 0x49, 0x6E};
constexpr Rgb kYellow{0xEB, 0xB8, 0x39};
constexpr Rgb kGreen{0x0C, 0xD7, 0x9F};

Rgb between(Rgb a, Rgb b, double share) {
  const auto mix = [&](int x, int y) { return static_cast<int>(std::lround(x + (y - x) * share)); };
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

std::string cell_text(double score) {
  return score >= 99.95 ? "100" : fixed(score, 1);
}

class HeatMap {
 public:
  HeatMap(const NeedleMap& map, const std::string& title)
      : map_(map),
        width_(std::max(kLeastWidth, kLeft + kCellWidth * static_cast<double>(map.lengths.size()) + kRight)),
        cell_width_((width_ - kLeft - kRight) / std::max<double>(1, static_cast<double>(map.lengths.size()))),
        bottom_(kMapTop + kCellHeight * static_cast<double>(map.depths.size())),
        svg_(width_, bottom_ + kBelowMap, title) {}

  Svg draw(const std::string& title, const std::string& id) {
    draw_head(title);
    draw_curve();
    draw_cells();
    draw_axes();
    draw_scale(id);
    return svg_;
  }

 private:
  double column(size_t index) const { return kLeft + cell_width_ * static_cast<double>(index); }
  double row(size_t index) const { return kMapTop + kCellHeight * static_cast<double>(index); }
  static double curve_y(double score) { return kCurveTop + kCurveHeight * (1 - score / 100); }

  void draw_head(const std::string& title) {
    svg_.text(0, 15, shortened(title, static_cast<size_t>(width_ / 10.4)), "title");
    const std::optional<double> overall = map_.overall();
    const size_t cells = map_.lengths.size() * map_.depths.size();
    std::string average = "No overall average: part of the run";
    if (overall) {
      average = fmt::format("Overall average {}", fixed(*overall, 2));
    } else if (map_.cells.size() < cells) {
      average = fmt::format("No overall average: {} of {} cells", map_.cells.size(), cells);
    }
    svg_.text(0, 33, average, "");
    svg_.circle(width_ - kRight - 162, 29, 4, "one");
    svg_.text(width_ - kRight - 153, 33, "Average over the depths", "soft");
  }

  void draw_curve() {
    for (const double score : {0.0, 50.0, 100.0}) {
      svg_.line(kLeft, curve_y(score), width_ - kRight, curve_y(score), "grid");
      svg_.text(kLeft - 6, curve_y(score) + 4, fixed(score, 0), "soft", Anchor::kEnd);
    }
    std::vector<std::pair<double, double>> run;  // of neighbours that have a mean
    for (size_t i = 0; i <= map_.lengths.size(); ++i) {
      const std::optional<double> mean =
          i < map_.lengths.size() ? map_.mean_over_depths(map_.lengths[i]) : std::nullopt;
      if (mean) {
        run.emplace_back(column(i) + cell_width_ / 2, curve_y(*mean));
        continue;
      }
      if (run.size() > 1) svg_.polyline(run, "curve one");
      run.clear();
    }
    for (size_t i = 0; i < map_.lengths.size(); ++i) {
      const std::optional<double> mean = map_.mean_over_depths(map_.lengths[i]);
      if (!mean) continue;
      const double x = column(i) + cell_width_ / 2;
      svg_.circle(x, curve_y(*mean), 4, "one",
                  fmt::format("{} tokens, average over {} depths: {}", thousands(map_.lengths[i]),
                              map_.depths.size(), fixed(*mean, 2)));
      svg_.text(x, curve_y(*mean) - 9, fixed(*mean, 2), "", Anchor::kMiddle);
    }
  }

  void draw_cells() {
    for (size_t i = 0; i < map_.lengths.size(); ++i) {
      for (size_t j = 0; j < map_.depths.size(); ++j) {
        draw_cell(i, j);
      }
    }
  }

  void draw_cell(size_t i, size_t j) {
    const std::string place = fmt::format("{} tokens, depth {}%", thousands(map_.lengths[i]), map_.depths[j]);
    const double text_x = column(i) + cell_width_ / 2;
    const double text_y = row(j) + kCellHeight / 2 + 4.5;
    const NeedleCell* cell = map_.cell(map_.lengths[i], map_.depths[j]);
    if (cell == nullptr) {
      svg_.rect(column(i), row(j), cell_width_ - 1, kCellHeight - 1, "empty", place + ": not measured");
      svg_.text(text_x, text_y, "–", "soft", Anchor::kMiddle);
      return;
    }
    const size_t most = map_.most_items();
    const std::string items = cell->items == most ? fmt::format("{} items", most)
                                                  : fmt::format("{} of {} items", cell->items, most);
    svg_.rect(column(i), row(j), cell_width_ - 1, kCellHeight - 1, "fill:" + hex(score_colour(cell->score)),
              fmt::format("{}: {} ({})", place, fixed(cell->score, 2), items));
    svg_.text(text_x, text_y, cell_text(cell->score) + (cell->items < most ? "*" : ""), "incell",
              Anchor::kMiddle);
  }

  void draw_axes() {
    svg_.text(0, kMapTop - 9, "Depth, 0%: top of document", "soft");
    for (size_t j = 0; j < map_.depths.size(); ++j) {
      svg_.text(kLeft - 6, row(j) + kCellHeight / 2 + 4.5, fmt::format("{}%", map_.depths[j]), "",
                Anchor::kEnd);
    }
    for (size_t i = 0; i < map_.lengths.size(); ++i) {
      svg_.text(column(i) + cell_width_ / 2, bottom_ + 17, length_label(map_.lengths[i]), "",
                Anchor::kMiddle);
    }
    svg_.text(width_ - kRight, bottom_ + 37, "Context length, tokens", "soft", Anchor::kEnd);
    svg_.text(0, bottom_ + 37, "100%: bottom of document", "soft");
  }

  void draw_scale(const std::string& id) {
    const double top = bottom_ + 58;
    const double bar = width_ - kLeft - kRight;
    svg_.text(kLeft - 6, top + 11, "Score", "soft", Anchor::kEnd);
    svg_.gradient(kLeft, top, bar, 14, {kRed, kYellow, kGreen}, id + "-scale");
    for (const double score : {0.0, 20.0, 40.0, 60.0, 80.0, 100.0}) {
      svg_.text(kLeft + bar * score / 100, top + 30, fixed(score, 0), "soft", Anchor::kMiddle);
    }
  }

  const NeedleMap& map_;
  double width_;
  double cell_width_;
  double bottom_;
  Svg svg_;
};

}  // namespace

Rgb score_colour(double score) {
  const double share = std::clamp(score, 0.0, 100.0) / 50;
  return share < 1 ? between(kRed, kYellow, share) : between(kYellow, kGreen, share - 1);
}

Svg heat_map(const NeedleMap& map, const std::string& title, const std::string& id) {
  return HeatMap(map, title).draw(title, id);
}

}  // namespace longscroll::report
