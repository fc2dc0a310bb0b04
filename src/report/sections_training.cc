// What training runs came to: loss, held-out perplexity, margins of preferences, learning rate.
#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "report/charts.h"
#include "report/sections.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

using Value = std::function<double(const TrainingStep&)>;

std::vector<Curve> step_curves(const std::vector<TrainingRun>& runs, const Value& value) {
  std::vector<Curve> curves;
  for (const TrainingRun& run : runs) {
    if (curves.size() == kMostCurves) break;
    curves.push_back({run.label, {}});
    for (const TrainingStep& step : run.steps)
      curves.back().points.emplace_back(static_cast<double>(step.step), value(step));
  }
  return curves;
}

std::vector<Curve> evaluation_curves(const std::vector<TrainingRun>& runs) {
  std::vector<Curve> curves;
  for (const TrainingRun& run : runs) {
    if (run.evaluations.empty() || curves.size() == kMostCurves) continue;
    curves.push_back({run.label, {}});
    for (const TrainingEvaluation& evaluation : run.evaluations)
      curves.back().points.emplace_back(static_cast<double>(evaluation.step), evaluation.perplexity);
  }
  return curves;
}

std::vector<Curve> measure_curves(const std::vector<TrainingRun>& runs, const std::string& name) {
  std::vector<Curve> curves;
  for (const TrainingRun& run : runs) {
    Curve curve{run.label, {}};
    for (const TrainingStep& step : run.steps) {
      for (const auto& [measure, value] : step.measures) {
        if (measure == name) curve.points.emplace_back(static_cast<double>(step.step), value);
      }
    }
    if (!curve.points.empty() && curves.size() < kMostCurves) curves.push_back(std::move(curve));
  }
  return curves;
}

Table numbers_of(const std::vector<TrainingRun>& runs) {
  Table table{"",
              {{"Run", "", false},
               {"Steps", "", true},
               {"Tokens", "", true},
               {"Loss", "first, last", true},
               {"Held-out perplexity", "first, last", true},
               {"Tokens/s", "median", true}},
              {}};
  for (const TrainingRun& run : runs) {
    std::vector<double> rates;
    for (const TrainingStep& step : run.steps) rates.push_back(step.tokens_per_second);
    const auto middle = rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2);
    std::nth_element(rates.begin(), middle, rates.end());
    const std::string perplexity = run.evaluations.empty()
                                       ? "–"
                                       : fmt::format("{}, {}", fixed(run.evaluations.front().perplexity, 4),
                                                     fixed(run.evaluations.back().perplexity, 4));
    table.rows.push_back(
        {{Cell(run.label), Cell(thousands(run.steps.back().step)), Cell(thousands(run.steps.back().tokens)),
          Cell(fmt::format("{}, {}", fixed(run.steps.front().loss, 4), fixed(run.steps.back().loss, 4))),
          Cell(perplexity), Cell(fixed(*middle, 0))},
         RowKind::kPlain});
  }
  return table;
}

}  // namespace

Section training_section(const std::vector<TrainingRun>& runs) {
  Section section{"training", "Training", {}};
  const auto add = [&](const char* name, const char* title, const std::vector<Curve>& curves,
                       const char* axis) {
    if (curves.empty()) return;
    const std::string caption =
        runs.size() > kMostCurves ? fmt::format("The first {} of {}.", curves.size(), runs.size()) : "";
    section.blocks.emplace_back(Figure{name, caption, step_chart(title, curves, "Steps", axis)});
  };
  section.blocks.emplace_back(numbers_of(runs));
  add("training-loss", "Training loss", step_curves(runs, [](const TrainingStep& s) { return s.loss; }),
      "Nats");
  add("training-perplexity", "Held-out perplexity", evaluation_curves(runs), "Perplexity");
  add("training-margin", "Margin of chosen over rejected", measure_curves(runs, "margin"), "Margin");
  add("training-accuracy", "Pairs with a margin above 0", measure_curves(runs, "accuracy"), "Share");
  add("training-norm", "Gradient norm, before clipping",
      step_curves(runs, [](const TrainingStep& s) { return s.gradient_norm; }), "Norm");
  return section;
}

}  // namespace longscroll::report
