// Bars, histograms and curves, drawn to be read on a narrow screen too: labels stand above what they name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "report/svg.h"

namespace longscroll::report {

struct Bar {
  size_t series = 0;
  double value = 0;
  bool partial = false;  // drawn paler, with a dashed edge: not the whole benchmark
};

struct BarGroup {
  std::string label;
  std::vector<Bar> bars;
};

// Lying bars from 0 to `highest`; one colour a series, with a legend when there are several.
Svg bar_chart(const std::string& title, const std::vector<std::string>& series,
              const std::vector<BarGroup>& groups, double highest);

struct Histogram {
  std::vector<std::string> bins;
  std::vector<std::string> series;
  std::vector<std::vector<uint64_t>> counts;  // by series, then bin; stacked
};

// Equal bins from 0 over all values, at most `most_bins`, their width a power of two of at least 128 tokens.
// `groups` are values by series.
Histogram histogram_of(const std::vector<std::string>& series,
                       const std::vector<std::vector<uint64_t>>& groups, size_t most_bins);
Svg histogram_chart(const std::string& title, const Histogram& histogram, const std::string& axis);

inline constexpr size_t kMostCurves = 6;  // as many as there are colours

struct Curve {
  std::string label;
  std::vector<std::pair<double, double>> points;  // by rising x
};

enum class Scale { kLinear, kLog };

// x on a scale of powers of two, as context lengths are chosen; y from 0, or on a scale of powers of ten,
// where what is not above 0 is left out.
Svg curve_chart(const std::string& title, const std::vector<Curve>& curves, const std::string& x_axis,
                const std::string& y_axis, Scale y_scale = Scale::kLinear);

// x from 0, y between the lowest and the highest value: what is told of a run step by step. Of a curve with
// more than 20 points the values are drawn faintly, and a running mean over them.
Svg step_chart(const std::string& title, const std::vector<Curve>& curves, const std::string& x_axis,
               const std::string& y_axis);

}  // namespace longscroll::report
