// The needle test, and perplexity by length.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "report/charts.h"
#include "report/needle.h"
#include "report/perplexity.h"
#include "report/sections.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

Row means_row(const std::string& label, const NeedleMap& map, const std::vector<uint64_t>& lengths) {
  Row row{{Cell(label, language_name(map.language))}, RowKind::kPlain};
  for (const uint64_t length : lengths) {
    const bool measured = std::find(map.lengths.begin(), map.lengths.end(), length) != map.lengths.end();
    const std::optional<double> mean = measured ? map.mean_over_depths(length) : std::nullopt;
    row.cells.emplace_back(mean ? fixed(*mean, 2) : "–");
  }
  const std::optional<double> overall = map.overall();
  row.cells.emplace_back(overall ? fixed(*overall, 2) : "–");
  return row;
}

std::vector<uint64_t> lengths_of(const std::vector<std::vector<NeedleMap>>& maps) {
  std::set<uint64_t> lengths;
  for (const auto& of_run : maps) {
    for (const NeedleMap& map : of_run) lengths.insert(map.lengths.begin(), map.lengths.end());
  }
  return {lengths.begin(), lengths.end()};
}

std::string map_caption(const RunView& view, const NeedleMap& map) {
  std::string caption =
      fmt::format("{} items, protocol {}.", thousands(map.items()), to_string(view.run.manifest.protocol));
  const size_t most = map.most_items();
  const bool uneven = std::any_of(map.cells.begin(), map.cells.end(),
                                  [&](const auto& cell) { return cell.second.items < most; });
  if (uneven) caption += fmt::format(" * fewer than the {} items of the fullest cell.", most);
  return caption;
}

}  // namespace

Section needle_section(const Views& views) {
  Section section{"needle", "Needle in a haystack", {}};
  section.blocks.emplace_back(
      Paragraph{"A cell is the mean score of the prompts with that length and depth. The curve above a map "
                "is the average over "
                "the depths of each length; the overall average is the mean of those.",
                false});
  std::vector<std::vector<NeedleMap>> maps;
  for (const RunView* view : views) maps.push_back(needle_maps(view->run));
  const std::vector<uint64_t> lengths = lengths_of(maps);
  Table table{"Average over the depths", {{"Run", "", false}}, {}};
  for (const uint64_t length : lengths) table.columns.push_back({length_label(length), "", true});
  table.columns.push_back({"Overall", "", true});
  for (size_t i = 0; i < views.size(); ++i) {
    if (views[i]->run.partial()) {
      section.blocks.emplace_back(Paragraph{
          fmt::format("{} is over {} of {} items.", views[i]->label, thousands(views[i]->run.records.size()),
                      thousands(views[i]->run.manifest.items)),
          true});
    }
    const bool is_one_task = maps[i].empty() || maps[i].front().task == maps[i].back().task;
    // What the report shows, the mean of the languages, stands first.
    std::stable_partition(maps[i].begin(), maps[i].end(), [](const NeedleMap& map) { return map.is_mean(); });
    for (const NeedleMap& map : maps[i]) {
      const std::string label =
          is_one_task ? views[i]->label : fmt::format("{}, {}", views[i]->label, map.task);
      const std::string name = fmt::format(
          "{}-{}", views[i]->stem, file_stem(is_one_task ? map.language : map.task + "-" + map.language));
      const std::string title = fmt::format("{}: {}", language_name(map.language), label);
      section.blocks.emplace_back(Figure{name, map_caption(*views[i], map), heat_map(map, title, name)});
      table.rows.push_back(means_row(label, map, lengths));
    }
  }
  section.blocks.emplace_back(std::move(table));
  return section;
}

Section perplexity_section(const Views& views) {
  Section section{"perplexity", "Perplexity by length", {}};
  std::vector<PerplexityCurve> all;
  for (const RunView* view : views) {
    std::vector<PerplexityCurve> curves = perplexity_curves(view->run);
    for (PerplexityCurve& curve : curves) {
      curve.label = curves.size() > 1 ? fmt::format("{}, {}", view->label, curve.label) : view->label;
    }
    all.insert(all.end(), curves.begin(), curves.end());
  }
  std::vector<Curve> drawn;
  std::set<uint64_t> lengths;
  for (const PerplexityCurve& curve : all) {
    if (drawn.size() < kMostCurves) drawn.push_back({curve.label, {}});
    for (const PerplexityPoint& point : curve.points) {
      lengths.insert(point.length);
      if (drawn.back().label == curve.label)
        drawn.back().points.emplace_back(point.length, point.perplexity());
    }
  }
  section.blocks.emplace_back(
      Figure{"perplexity",
             all.size() > drawn.size() ? fmt::format("The first {} of {}.", drawn.size(), all.size()) : "",
             curve_chart("Perplexity by length", drawn, "Window, tokens", "Perplexity")});
  Table table{"", {{"Run", "", false}}, {}};
  for (const uint64_t length : lengths) table.columns.push_back({length_label(length), "tokens", true});
  for (const PerplexityCurve& curve : all) {
    Row row{{Cell(curve.label)}, RowKind::kPlain};
    for (const uint64_t length : lengths) {
      const auto point = std::find_if(curve.points.begin(), curve.points.end(),
                                      [&](const PerplexityPoint& p) { return p.length == length; });
      row.cells.push_back(point == curve.points.end()
                              ? Cell("–")
                              : Cell(fixed(point->perplexity(), 4),
                                     fmt::format("{} tokens scored", thousands(point->tokens))));
    }
    table.rows.push_back(std::move(row));
  }
  section.blocks.emplace_back(std::move(table));
  return section;
}

}  // namespace longscroll::report
