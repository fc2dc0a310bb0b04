#include "report/charts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "report/text.h"

namespace longscroll::report {
namespace {

// User units.
constexpr double kWidth = 500;
constexpr double kTitleHeight = 30;
constexpr double kLegendHeight = 26;
constexpr double kBarHeight = 18;
constexpr double kBarLabel = 20;
constexpr double kGroupGap = 10;
constexpr double kValueRoom = 56;  // for the number behind the longest bar
constexpr double kAxisHeight = 34;
constexpr double kPlotLeft = 52;
constexpr double kPlotRight = 16;
constexpr double kPlotHeight = 190;
constexpr double kCharacter = 7.2;    // room for one character of 13 units
constexpr double kTitleScale = 1.45;  // of a title's characters to those

constexpr std::array<const char*, 6> kSeriesClasses = {"one", "two", "three", "four", "five", "six"};

const char* series_class(size_t series) {
  return kSeriesClasses[series % kSeriesClasses.size()];
}

// Colours come again after six: what has one the second time is told apart by `mark`.
std::string marked_class(size_t series, const char* mark) {
  return series_class(series) + std::string(series < kSeriesClasses.size() ? "" : mark);
}

// As much of the label as has room, with "…" for the rest.
std::string clipped(const std::string& label, double room) {
  const auto columns = static_cast<size_t>(room / kCharacter);
  std::string text = shortened(label, columns);
  for (size_t characters = columns; display_width(text) > columns + 1 && characters > 1;) {
    text = shortened(label, --characters);
  }
  return text;
}

double text_room(const std::string& text) {
  return static_cast<double>(display_width(text)) * kCharacter;
}

// How many lines the legend takes; draws it when `svg` is given.
size_t legend(const std::vector<std::string>& series, double y, Svg* svg) {
  double x = 0;
  size_t lines = 1;
  for (size_t i = 0; i < series.size(); ++i) {
    const std::string label = clipped(series[i], kWidth - 30);
    const double room = 20 + text_room(label) + 18;
    if (x > 0 && x + room > kWidth) {
      x = 0;
      ++lines;
    }
    if (svg != nullptr) {
      const double top = y + kLegendHeight * static_cast<double>(lines - 1);
      svg->rect(x, top, 13, 13, marked_class(i, " part"));
      svg->text(x + 19, top + 11, label, "");
    }
    x += room;
  }
  return lines;
}

double legend_height(const std::vector<std::string>& series) {
  return series.size() < 2 ? 0 : kLegendHeight * static_cast<double>(legend(series, 0, nullptr));
}

double step_for(double highest) {
  double step = 1e-3;
  for (int i = 0; highest / step > 6; ++i) step *= i % 3 == 1 ? 2.5 : 2;  // 1, 2, 5, 10, ...
  return step;
}

// 0, step, … up to `highest`, which may be off by rounding.
std::vector<double> ticks(double highest, double step) {
  std::vector<double> values;
  const auto last = static_cast<size_t>(highest / step + 1e-6);
  for (size_t i = 0; i <= last; ++i) values.push_back(step * static_cast<double>(i));
  return values;
}

// Step, then value: at most kMostPoints of them, evenly taken.
using Points = std::vector<std::pair<double, double>>;

Points thinned(const Points& points) {
  constexpr size_t kMostPoints = 600;
  const size_t every = points.size() / kMostPoints + 1;
  Points kept;
  for (size_t i = 0; i < points.size(); ++i) {
    if (i % every == 0 || i + 1 == points.size()) kept.push_back(points[i]);
  }
  return kept;
}

// An exponential mean over about a fortieth of the curve, at least 5 points.
Points running_mean(const Points& points) {
  const double share = 2.0 / (1.0 + std::max(5.0, static_cast<double>(points.size()) / 40));
  Points means;
  for (const auto& [x, y] : points) {
    const double before = means.empty() ? y : means.back().second;
    means.emplace_back(x, before + share * (y - before));
  }
  return means;
}

std::string tick_text(double value) {
  const bool whole = value >= 0 && std::abs(value - std::round(value)) < 1e-9;
  return whole ? thousands(static_cast<uint64_t>(std::llround(value))) : fmt::format("{:g}", value);
}

// Of step_chart(): x from 0 to the last step, y over all values, both in whole ticks.
class StepAxes {
 public:
  StepAxes(const std::vector<Curve>& curves, double bottom) : bottom_(bottom) {
    double lowest = HUGE_VAL, highest = -HUGE_VAL;
    for (const Curve& curve : curves) {
      for (const auto& [x, y] : curve.points) {
        last_ = std::max(last_, x);
        lowest = std::min(lowest, y);
        highest = std::max(highest, y);
      }
    }
    if (empty()) return;
    step_ = step_for(std::max(highest - lowest, 1e-3));
    base_ = step_ * std::floor(lowest / step_);
    top_ = std::max(step_ * std::ceil(highest / step_), base_ + step_);
  }

  bool empty() const { return last_ <= 0; }
  std::pair<double, double> place(double x, double y) const {
    return {kPlotLeft + (kWidth - kPlotLeft - kPlotRight) * x / last_,
            bottom_ - kPlotHeight * (y - base_) / (top_ - base_)};
  }
  Points placed(const Points& points) const {
    Points line;
    for (const auto& [x, y] : points) line.push_back(place(x, y));
    return line;
  }
  void draw(Svg& svg) const {
    for (const double above_base : ticks(top_ - base_, step_)) {
      const double y = place(0, base_ + above_base).second;
      svg.line(kPlotLeft, y, kWidth - kPlotRight, y, "grid");
      svg.text(kPlotLeft - 6, y + 4, tick_text(base_ + above_base), "soft", Anchor::kEnd);
    }
    for (const double step : ticks(last_, step_for(last_))) {
      const double x = place(step, base_).first;
      svg.line(x, bottom_, x, bottom_ + 4, "axis");
      svg.text(x, bottom_ + 18, tick_text(step), "soft", Anchor::kMiddle);
    }
  }

 private:
  double bottom_;
  double last_ = 0;
  double step_ = 1, base_ = 0, top_ = 1;
};

// 10 to a power, as "10⁵"; small ones as numbers.
std::string power_text(int power) {
  if (power >= 0 && power < 4) return tick_text(std::pow(10.0, power));
  static constexpr std::array<const char*, 10> kSuperscripts = {"⁰", "¹", "²", "³", "⁴",
                                                                "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = power < 0 ? "10⁻" : "10";
  for (const char digit : std::to_string(std::abs(power)))
    text += kSuperscripts.at(static_cast<size_t>(digit - '0'));
  return text;
}

// Where values stand on a vertical axis, 0 at the bottom and 1 at the top.
class VerticalScale {
 public:
  // Over what the curves show; what it does not show has no place.
  VerticalScale(const std::vector<Curve>& curves, Scale scale) : log_(scale == Scale::kLog) {
    bool any = false;
    for (const Curve& curve : curves) {
      for (const auto& [x, y] : curve.points) {
        if (!shows(y)) continue;
        bottom_ = any ? std::min(bottom_, y) : y;
        top_ = any ? std::max(top_, y) : y;
        any = true;
      }
    }
    empty_ = !any || (!log_ && top_ <= 0);
    if (empty_) return;
    if (log_) {
      bottom_ = std::floor(std::log10(bottom_));
      top_ = std::max(bottom_ + 1, std::ceil(std::log10(top_)));
    } else {
      bottom_ = 0;
      step_ = step_for(top_);
      top_ = step_ * std::ceil(top_ / step_);
    }
  }

  bool empty() const { return empty_; }
  bool shows(double value) const { return std::isfinite(value) && (!log_ || value > 0); }
  double share(double value) const {
    return ((log_ ? std::log10(value) : value) - bottom_) / (top_ - bottom_);
  }

  std::vector<std::pair<double, std::string>> marks() const {
    std::vector<std::pair<double, std::string>> marks;
    if (log_) {
      for (int power = static_cast<int>(bottom_); power <= static_cast<int>(top_); ++power)
        marks.emplace_back(std::pow(10.0, power), power_text(power));
      return marks;
    }
    for (const double value : ticks(top_, step_)) marks.emplace_back(value, tick_text(value));
    return marks;
  }

 private:
  bool log_;
  bool empty_ = true;
  double bottom_ = 0, top_ = 0, step_ = 0;
};

}  // namespace

Svg bar_chart(const std::string& title, const std::vector<std::string>& series,
              const std::vector<BarGroup>& groups, double highest) {
  const double above = kTitleHeight + legend_height(series);
  double height = above;
  for (const BarGroup& group : groups) {
    height += kBarLabel + kBarHeight * static_cast<double>(group.bars.size()) + kGroupGap;
  }
  Svg svg(kWidth, height + kAxisHeight - kGroupGap, title);
  svg.text(0, 16, clipped(title, kWidth / kTitleScale), "title");
  if (series.size() > 1) legend(series, kTitleHeight, &svg);
  const double room = kWidth - kValueRoom;
  const double step = step_for(highest);
  for (const double value : ticks(highest, step)) {
    const double x = 1 + (room - 1) * value / highest;
    svg.line(x, above, x, height, "grid");
    svg.text(x, height + 16, tick_text(value), "soft", value == 0 ? Anchor::kStart : Anchor::kMiddle);
  }
  double y = above;
  for (const BarGroup& group : groups) {
    svg.text(6, y + 14, clipped(group.label, room - 6), "");
    y += kBarLabel;
    for (const Bar& bar : group.bars) {
      const double length = (room - 1) * std::clamp(bar.value / highest, 0.0, 1.0);
      const std::string look = std::string(series_class(bar.series)) + (bar.partial ? " part" : "");
      svg.rect(1, y + 1, length, kBarHeight - 2, look,
               fmt::format("{}{}: {}{}", group.label, series.size() > 1 ? ", " + series[bar.series] : "",
                           fixed(bar.value, 4), bar.partial ? " (part of the items)" : ""));
      svg.text(length + 7, y + 13.5, fixed(bar.value, 1) + (bar.partial ? "*" : ""), "");
      y += kBarHeight;
    }
    y += kGroupGap;
  }
  return svg;
}

Histogram histogram_of(const std::vector<std::string>& series,
                       const std::vector<std::vector<uint64_t>>& groups, size_t most_bins) {
  uint64_t highest = 0;
  for (const auto& values : groups) {
    for (const uint64_t value : values) highest = std::max(highest, value);
  }
  uint64_t width = 128;
  while (highest / width >= most_bins) width *= 2;
  Histogram histogram{{}, series, {}};
  const size_t bins = highest / width + 1;
  for (size_t bin = 0; bin < bins; ++bin) {
    histogram.bins.push_back(
        fmt::format("{} to {}", thousands(bin * width), thousands((bin + 1) * width - 1)));
  }
  for (const auto& values : groups) {
    histogram.counts.emplace_back(bins);
    for (const uint64_t value : values) ++histogram.counts.back()[value / width];
  }
  return histogram;
}

Svg histogram_chart(const std::string& title, const Histogram& histogram, const std::string& axis) {
  const size_t bins = histogram.bins.size();
  std::vector<uint64_t> totals(bins);
  for (const auto& counts : histogram.counts) {
    for (size_t bin = 0; bin < bins; ++bin) totals[bin] += counts[bin];
  }
  const double highest =
      std::max<double>(1, static_cast<double>(*std::max_element(totals.begin(), totals.end())));
  const double above = kTitleHeight + legend_height(histogram.series) + 22;
  const double bottom = above + kPlotHeight;
  Svg svg(kWidth, bottom + 44, title);
  svg.text(0, 16, clipped(title, kWidth / kTitleScale), "title");
  if (histogram.series.size() > 1) legend(histogram.series, kTitleHeight, &svg);
  const double step = std::max(1.0, step_for(highest));
  for (const double value : ticks(highest, step)) {
    const double y = bottom - kPlotHeight * value / highest;
    svg.line(kPlotLeft, y, kWidth - kPlotRight, y, "grid");
    svg.text(kPlotLeft - 6, y + 4, tick_text(value), "soft", Anchor::kEnd);
  }
  const double width = (kWidth - kPlotLeft - kPlotRight) / static_cast<double>(bins);
  for (size_t bin = 0; bin < bins; ++bin) {
    const double x = kPlotLeft + width * static_cast<double>(bin);
    double y = bottom;
    for (size_t s = 0; s < histogram.counts.size(); ++s) {
      const uint64_t count = histogram.counts[s][bin];
      if (count == 0) continue;
      const double height = kPlotHeight * static_cast<double>(count) / highest;
      y -= height;
      svg.rect(
          x + 1, y, std::max(1.0, width - 2), height, series_class(s),
          fmt::format("{} tokens, {}: {} items", histogram.bins[bin], histogram.series[s], thousands(count)));
    }
  }
  // Every bin's first value where there is room for it, else every second, fourth, ...
  size_t every = 1;
  while (width * static_cast<double>(every) < 46) every *= 2;
  for (size_t bin = 0; bin < bins; bin += every) {
    const std::string begins = histogram.bins[bin].substr(0, histogram.bins[bin].find(' '));
    svg.text(kPlotLeft + width * static_cast<double>(bin) + 1, bottom + 16, begins, "soft");
  }
  svg.text(kWidth - kPlotRight, bottom + 36, axis, "soft", Anchor::kEnd);
  svg.text(0, above - 12, "Items", "soft");
  return svg;
}

Svg curve_chart(const std::string& title, const std::vector<Curve>& curves, const std::string& x_axis,
                const std::string& y_axis, Scale y_scale) {
  std::set<double> xs;
  std::vector<std::string> labels;
  for (const Curve& curve : curves) {
    labels.push_back(curve.label);
    for (const auto& [x, y] : curve.points) xs.insert(x);
  }
  const double above = kTitleHeight + legend_height(labels) + 22;
  const double bottom = above + kPlotHeight;
  Svg svg(kWidth, bottom + 44, title);
  svg.text(0, 16, clipped(title, kWidth / kTitleScale), "title");
  if (labels.size() > 1) legend(labels, kTitleHeight, &svg);
  const VerticalScale scale(curves, y_scale);
  if (scale.empty()) return svg;
  const auto y_of = [&](double value) { return bottom - kPlotHeight * scale.share(value); };
  for (const auto& [value, text] : scale.marks()) {
    svg.line(kPlotLeft, y_of(value), kWidth - kPlotRight, y_of(value), "grid");
    svg.text(kPlotLeft - 6, y_of(value) + 4, text, "soft", Anchor::kEnd);
  }
  const double left = std::log2(*xs.begin());
  const double span = std::max(1e-9, std::log2(*xs.rbegin()) - left);
  const double room = kWidth - kPlotLeft - kPlotRight - 60;
  const auto x_of = [&](double x) {
    return kPlotLeft + 30 + room * (xs.size() == 1 ? 0.5 : (std::log2(x) - left) / span);
  };
  double last_label = -kWidth;
  for (const double x : xs) {
    svg.line(x_of(x), bottom, x_of(x), bottom + 4, "axis");
    if (x_of(x) - last_label < 44) continue;
    svg.text(x_of(x), bottom + 18, length_label(static_cast<uint64_t>(x)), "soft", Anchor::kMiddle);
    last_label = x_of(x);
  }
  for (size_t i = 0; i < curves.size(); ++i) {
    std::vector<std::pair<double, double>> line;
    for (const auto& [x, y] : curves[i].points) {
      if (scale.shows(y)) line.emplace_back(x_of(x), y_of(y));
    }
    svg.polyline(line, "curve " + marked_class(i, " dashed"));
    for (const auto& [x, y] : curves[i].points) {
      if (!scale.shows(y)) continue;
      svg.circle(x_of(x), y_of(y), 4, series_class(i),
                 fmt::format("{}, {} tokens: {}", curves[i].label, thousands(static_cast<uint64_t>(x)),
                             fixed(y, y < 1000 ? 4 : 0)));
      if (curves.size() == 1) svg.text(x_of(x), y_of(y) - 9, fixed(y, 2), "", Anchor::kMiddle);
    }
  }
  svg.text(0, above - 12, y_axis, "soft");
  svg.text(kWidth - kPlotRight, bottom + 36, x_axis, "soft", Anchor::kEnd);
  return svg;
}

Svg step_chart(const std::string& title, const std::vector<Curve>& curves, const std::string& x_axis,
               const std::string& y_axis) {
  constexpr size_t kFewPoints = 20;
  std::vector<std::string> labels;
  for (const Curve& curve : curves) labels.push_back(curve.label);
  const double above = kTitleHeight + legend_height(labels) + 22;
  const StepAxes axes(curves, above + kPlotHeight);
  Svg svg(kWidth, above + kPlotHeight + 44, title);
  svg.text(0, 16, clipped(title, kWidth / kTitleScale), "title");
  if (labels.size() > 1) legend(labels, kTitleHeight, &svg);
  if (axes.empty()) return svg;
  axes.draw(svg);
  for (size_t i = 0; i < curves.size(); ++i) {
    const Points& points = curves[i].points;
    const std::string colour = std::string("curve ") + series_class(i);
    if (points.size() <= kFewPoints) {
      svg.polyline(axes.placed(points), colour);
      for (const auto& [x, y] : points) {
        const auto [left, top] = axes.place(x, y);
        svg.circle(left, top, 4, series_class(i),
                   fmt::format("{}, {}: {}", curves[i].label, tick_text(x), fixed(y, 4)));
      }
    } else {
      svg.polyline(axes.placed(thinned(points)), colour + " faint");
      svg.polyline(axes.placed(thinned(running_mean(points))), colour);
    }
  }
  svg.text(0, above - 12, y_axis, "soft");
  svg.text(kWidth - kPlotRight, above + kPlotHeight + 36, x_axis, "soft", Anchor::kEnd);
  return svg;
}

}  // namespace longscroll::report
