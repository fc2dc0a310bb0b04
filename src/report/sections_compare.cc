// Two runs side by side.
#include <algorithm>

#include <fmt/format.h>

#include "report/sections.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

Row difference_row(const Difference& difference, const std::string& label, RowKind kind) {
  const auto& interval = difference.interval;
  const std::string range =
      interval ? fmt::format("{} to {}", signed_fixed(interval->low, 2), signed_fixed(interval->high, 2))
               : "–";
  const bool is_without_zero = interval && (interval->low > 0 || interval->high < 0);
  return {{Cell(label), Cell(thousands(difference.matched)), Cell(fixed(difference.first, 2)),
           Cell(fixed(difference.second, 2)), Cell(signed_fixed(difference.difference(), 2)),
           Cell(range, is_without_zero ? "without 0" : "")},
          kind};
}

// In the rows of the suite's table; without a suite, task after task.
void add_rows(const Comparison& comparison, const SuiteInfo& suite, Table& table) {
  std::vector<std::string> tasks;
  for (const Difference& task : comparison.tasks) tasks.push_back(task.name);
  for (const LayoutRow& row : layout(suite, tasks)) {
    const bool is_task = row.kind == LayoutRow::Kind::kTask;
    const std::vector<Difference>& differences = is_task ? comparison.tasks : comparison.groups;
    const auto found = std::find_if(differences.begin(), differences.end(),
                                    [&](const Difference& d) { return d.name == row.name; });
    if (found == differences.end()) continue;
    const RowKind kind = is_task                               ? RowKind::kPlain
                         : row.kind == LayoutRow::Kind::kGroup ? RowKind::kGroup
                                                               : RowKind::kAverage;
    table.rows.push_back(difference_row(*found, row.label, kind));
  }
}

}  // namespace

Section comparison_section(const ComparedRuns& compared) {
  const auto& [first_view, second_view, comparison] = compared;
  const RunView& first = *first_view;
  const RunView& second = *second_view;
  const std::string& name = first.run.manifest.suite;
  Section section{"comparison-" + name, "Two runs compared: " + name, {}};
  section.blocks.emplace_back(Paragraph{
      fmt::format(
          "{} and {}: {} items matched by task and id; {} are in the first run alone, {} in the second.",
          first.label, second.label, thousands(comparison.overall.matched), thousands(comparison.only_first),
          thousands(comparison.only_second)),
      false});
  if (comparison.prompts_by_length) {
    section.blocks.emplace_back(Paragraph{
        "One of the runs went through an endpoint, whose records hash a prompt's text where others hash "
        "its ids: prompts are compared by their numbers of tokens.",
        false});
  }
  if (comparison.different_prompts > 0) {
    section.blocks.emplace_back(Paragraph{
        fmt::format(
            "{} of the matched items had different prompts: another template, truncation or tokenizer.",
            thousands(comparison.different_prompts)),
        true});
  }
  Table table{"",
              {{"Task", "", false},
               {"Matched", "items", true},
               {first.label, "first", true},
               {second.label, "second", true},
               {"Difference", "second less first", true},
               {"95% interval", "of the difference", true}},
              {}};
  const SuiteInfo suite = first.suite.value_or(SuiteInfo{});
  add_rows(comparison, suite, table);
  const SuiteGroup* whole = overall_group(suite);
  const auto is_whole = [&](const Difference& group) {
    return whole != nullptr && group.name == whole->name;
  };
  if (std::none_of(comparison.groups.begin(), comparison.groups.end(), is_whole)) {
    table.rows.push_back(difference_row(comparison.overall, kAllTasks, RowKind::kAverage));
  }
  section.blocks.emplace_back(std::move(table));
  section.blocks.emplace_back(Paragraph{
      fmt::format(
          "A score here is 100 times the mean of the items' scores over the matched items; where an "
          "evaluator "
          "prints something else for a task (a median of resampled means, say), it differs from the tables "
          "below. The interval is of a paired bootstrap: {} resamples of the matched items within each task, "
          "seed {}, 2.5th to 97.5th percentile. It says what other items of the same kind might have given, "
          "and nothing of other prompts or seeds.",
          thousands(kResamples), kBootstrapSeed),
      false});
  return section;
}

}  // namespace longscroll::report
