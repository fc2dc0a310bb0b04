// Tables and bars of scores, published ones beside ours.
#include <algorithm>

#include <fmt/format.h>

#include "report/charts.h"
#include "report/published.h"
#include "report/sections.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

constexpr int kTaskDecimals = 2;  // as the report prints them
constexpr int kMeanDecimals = 4;
constexpr uint64_t kModels = 1;  // the tables of published columns
constexpr uint64_t kMethods = 2;

Cell score_cell(const std::optional<double>& score, int decimals, const std::string& note) {
  return {score ? fixed(*score, decimals) : "–", note};
}

// What part of a group's tasks and items a run has; `partial` is false for a group that is whole.
struct Share {
  size_t tasks = 0;
  size_t items = 0;
  size_t of_items = 0;
  bool of_known = true;
  bool partial = false;
};

Share share_of(const RunScores& scores, const std::vector<std::string>& tasks) {
  Share share;
  for (const std::string& name : tasks) {
    const TaskScore* task = scores.find(name);
    if (task == nullptr) continue;
    ++share.tasks;
    share.items += task->items;
    share.of_items += task->of.value_or(0);
    share.of_known = share.of_known && task->of;
    share.partial = share.partial || task->partial;
  }
  return share;
}

Cell mean_cell(const RunScores& scores, const LayoutRow& row) {
  const Share share = share_of(scores, row.tasks);
  const auto mean = scores.means.find(row.name);
  if (mean == scores.means.end() || share.tasks < row.tasks.size()) {
    return {"–", fmt::format("{} of {} tasks", share.tasks, row.tasks.size())};
  }
  const std::optional<size_t> of = share.of_known ? std::optional(share.of_items) : std::nullopt;
  return {fixed(mean->second, kMeanDecimals), share_note(share.items, of, share.partial)};
}

Cell run_cell(const RunScores& scores, const LayoutRow& row) {
  if (row.kind != LayoutRow::Kind::kTask) return mean_cell(scores, row);
  const TaskScore* task = scores.find(row.name);
  if (task == nullptr) return {"–", "not run"};
  return {fixed(task->score, kTaskDecimals), share_note(task->items, task->of, task->partial)};
}

struct PublishedView {
  const PublishedColumn* column;
  std::map<std::string, double> means;
};

Cell published_cell(const PublishedView& view, const LayoutRow& row) {
  if (row.kind == LayoutRow::Kind::kTask) {
    const auto score = view.column->scores.find(row.name);
    return score_cell(score == view.column->scores.end() ? std::nullopt : score->second, kTaskDecimals, "");
  }
  const auto mean = view.means.find(row.name);
  return score_cell(mean == view.means.end() ? std::nullopt : std::optional(mean->second), kMeanDecimals, "");
}

std::vector<PublishedView> published_views(const SuiteInfo* suite, uint64_t table) {
  std::vector<PublishedView> views;
  if (suite == nullptr) return views;
  for (const PublishedColumn* column : published().of(suite->name, table)) {
    views.push_back({column, group_means(*suite, column->counted())});
  }
  return views;
}

std::vector<std::string> tasks_of(const Views& views) {
  std::vector<std::string> names;
  for (const RunView* view : views) {
    for (const TaskScore& task : view->scores.tasks) {
      if (std::find(names.begin(), names.end(), task.task) == names.end()) names.push_back(task.task);
    }
  }
  return names;
}

std::vector<LayoutRow> rows_of(const SuiteInfo* suite, const Views& views) {
  return layout(suite != nullptr ? *suite : SuiteInfo{}, tasks_of(views));
}

Table scores_table(const std::string& caption, const SuiteInfo* suite, const Views& views,
                   const std::vector<PublishedView>& columns) {
  Table table{caption, {{"Task", "", false}}, {}};
  for (const RunView* view : views) {
    table.columns.push_back({view->label, to_string(view->run.manifest.protocol), true});
  }
  for (const PublishedView& view : columns) table.columns.push_back({view.column->model, "published", true});
  for (const LayoutRow& row : rows_of(suite, views)) {
    Row cells{{Cell(row.label)}, RowKind::kPlain};
    if (row.kind == LayoutRow::Kind::kGroup) cells.kind = RowKind::kGroup;
    if (row.kind == LayoutRow::Kind::kAverage) cells.kind = RowKind::kAverage;
    for (const RunView* view : views) cells.cells.push_back(run_cell(view->scores, row));
    for (const PublishedView& view : columns) cells.cells.push_back(published_cell(view, row));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::optional<double> overall(const SuiteInfo& suite, const std::map<std::string, double>& means) {
  const SuiteGroup* group = overall_group(suite);
  if (group == nullptr) return std::nullopt;
  const auto mean = means.find(group->name);
  return mean == means.end() ? std::nullopt : std::optional(mean->second);
}

bool has_part_of_overall(const RunView& view) {
  return share_of(view.scores, tasks_below(*view.suite, *overall_group(*view.suite))).partial;
}

double bar_scale(const std::vector<BarGroup>& groups) {
  double highest = 1;
  for (const BarGroup& group : groups) {
    for (const Bar& bar : group.bars) highest = std::max(highest, bar.value);
  }
  return highest <= 20 ? 20 : highest <= 50 ? 50 : 100;
}

std::string bars_caption(const std::vector<BarGroup>& groups) {
  const auto is_part = [](const BarGroup& group) {
    return std::any_of(group.bars.begin(), group.bars.end(), [](const Bar& bar) { return bar.partial; });
  };
  return std::any_of(groups.begin(), groups.end(), is_part)
             ? "* over part of the items only, as the table says; not the benchmark's average."
             : "";
}

void add_bars(Section& section, const std::string& name, const std::string& title, const SuiteInfo& suite,
              const Views& views, const std::vector<PublishedView>& columns) {
  std::vector<BarGroup> groups;
  for (const RunView* view : views) {
    const std::optional<double> mean = overall(suite, view->scores.means);
    if (mean) groups.push_back({view->label, {{0, *mean, has_part_of_overall(*view)}}});
  }
  for (const PublishedView& view : columns) {
    if (const auto mean = overall(suite, view.means))
      groups.push_back({view.column->model, {{1, *mean, false}}});
  }
  if (groups.size() < 2) return;
  section.blocks.emplace_back(Figure{name, bars_caption(groups),
                                     bar_chart(title, {"Our runs", "Published"}, groups, bar_scale(groups))});
}

std::string title_of(const std::string& name, const SuiteInfo* suite) {
  return suite == nullptr || suite->title.empty() ? name : suite->title;
}

void add_published_notes(Section& section, const SuiteInfo* suite) {
  if (suite == nullptr) return;
  std::map<std::string, std::string> by_note;
  for (const PublishedColumn& column : published().columns) {
    if (column.suite != suite->name) continue;
    std::string& models = by_note[column.note];
    models += fmt::format("{}{}", models.empty() ? "" : ", ", column.model);
  }
  if (by_note.empty()) return;
  std::string text = fmt::format("Published scores: {}.", published().source);
  for (const auto& [what, models] : by_note) text += fmt::format(" {}: {}.", models, what);
  section.blocks.emplace_back(Paragraph{text, false});
}

}  // namespace

std::string share_note(size_t items, std::optional<size_t> of, bool partial) {
  if (!partial) return "";
  return of ? fmt::format("{} of {}", thousands(items), thousands(*of))
            : fmt::format("{} items", thousands(items));
}

Section scores_section(const std::string& name, const SuiteInfo* suite, const Views& views) {
  Section section{file_stem(name), title_of(name, suite), {}};
  const std::vector<PublishedView> models = published_views(suite, kModels);
  const std::vector<PublishedView> methods = published_views(suite, kMethods);
  if (suite == nullptr) {
    section.blocks.emplace_back(
        Paragraph{"No suite that comes with the program: how its tasks are averaged is not known, so no "
                  "average is given.",
                  false});
  }
  const bool some_part = std::any_of(views.begin(), views.end(), [](const RunView* view) {
    return std::any_of(view->scores.tasks.begin(), view->scores.tasks.end(),
                       [](const TaskScore& t) { return t.partial; });
  });
  if (some_part) {
    section.blocks.emplace_back(
        Paragraph{"Below a number stands how many of the task's items it is over, where not all were run. "
                  "Such numbers are "
                  "not the benchmark's; a mean is given only where all of its tasks were run.",
                  true});
  }
  section.blocks.emplace_back(scores_table("", suite, views, models));
  if (suite != nullptr) {
    add_bars(section, file_stem(name) + "-models", section.title + " average", *suite, views, models);
  }
  if (!methods.empty()) {
    section.blocks.emplace_back(
        scores_table("Other ways to a long window, as published", suite, views, methods));
    add_bars(section, file_stem(name) + "-methods", section.title + " average, ways to a long window", *suite,
             views, methods);
  }
  add_published_notes(section, suite);
  if (!methods.empty()) {
    section.blocks.emplace_back(Paragraph{
        "A published dash is a task where nothing scored; the report's averages, and these, count it as 0.",
        false});
  }
  return section;
}

Section averages_section(const Views& views) {
  Section section{"averages", "LEval and LongBench", {}};
  const std::vector<std::string> suites = {"leval", "longbench"};
  std::vector<BarGroup> groups;
  const auto add = [&](const std::string& label, Bar bar) {
    auto group =
        std::find_if(groups.begin(), groups.end(), [&](const BarGroup& g) { return g.label == label; });
    if (group == groups.end()) group = groups.insert(groups.end(), {label, {}});
    group->bars.push_back(bar);
  };
  for (size_t series = 0; series < suites.size(); ++series) {
    for (const RunView* view : views) {
      if (view->run.manifest.suite != suites[series] || !view->suite) continue;
      const std::optional<double> mean = overall(*view->suite, view->scores.means);
      if (mean) add(view->label, {series, *mean, has_part_of_overall(*view)});
    }
  }
  for (size_t series = 0; series < suites.size(); ++series) {
    const std::optional<SuiteInfo> suite = known_suite(suites[series], Protocol::kOpenCompass);
    for (const PublishedView& view : published_views(suite ? &*suite : nullptr, kModels)) {
      if (const auto mean = overall(*suite, view.means)) add(view.column->model, {series, *mean, false});
    }
  }
  section.blocks.emplace_back(Figure{
      "averages", bars_caption(groups),
      bar_chart("Long-context benchmarks, averages", {"LEval", "LongBench"}, groups, bar_scale(groups))});
  return section;
}

}  // namespace longscroll::report
