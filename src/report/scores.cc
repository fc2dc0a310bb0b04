#include "report/scores.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/error.h"
#include "formats/file_faults.h"
#include "report/published.h"

namespace longscroll::report {
namespace {

std::optional<size_t> items_by_suite(const SuiteInfo* suite, std::string_view name) {
  if (suite == nullptr) return std::nullopt;
  for (const SuiteTask& task : suite->tasks) {
    if (task.name == name && task.items > 0) return task.items;
  }
  return std::nullopt;
}

// What was taken from a file of the task's name: all its items, unless there was a limit.
std::optional<size_t> items_by_data(const Manifest& manifest, std::string_view name) {
  if (manifest.limit) return std::nullopt;
  for (const ManifestData& data : manifest.data) {
    if (data.items > 0 && std::filesystem::path(data.file).stem() == name) return data.items;
  }
  return std::nullopt;
}

TaskScore score_task(const Run& run, const SuiteInfo* suite, const std::vector<const EvalRecord*>& records) {
  TaskScore score;
  score.task = records.front()->task;
  score.metric = records.front()->metric;
  score.items = records.size();
  score.score = aggregate(run, records);
  score.of = items_by_suite(suite, score.task);
  if (!score.of) score.of = items_by_data(run.manifest, score.task);
  if (score.of && *score.of < score.items) score.of = score.items;
  score.partial = score.of ? score.items < *score.of : run.partial();
  return score;
}

// What rows are called: as the report does, else by the suite's titles, else by their names.
class Labels {
 public:
  explicit Labels(const SuiteInfo& suite) {
    for (const SuiteTask& task : suite.tasks) texts_[task.name] = task.title.empty() ? task.name : task.title;
    for (const SuiteGroup& group : suite.groups)
      texts_[group.name] = group.title.empty() ? group.name : group.title;
    const auto labels = published().labels.find(suite.name);
    if (labels == published().labels.end()) return;
    for (const Label& label : labels->second) {
      texts_[label.name] = label.text;
      rank_.emplace(label.name, rank_.size());
    }
  }

  std::string of(const std::string& name) const {
    const auto text = texts_.find(name);
    return text == texts_.end() ? name : text->second;
  }

  // In the report's order, what it does not have behind.
  std::vector<std::string> sorted(std::vector<std::string> names) const {
    const auto rank = [&](const std::string& name) {
      const auto found = rank_.find(name);
      return found == rank_.end() ? rank_.size() : found->second;
    };
    std::stable_sort(names.begin(), names.end(),
                     [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    return names;
  }

 private:
  std::map<std::string, std::string> texts_;
  std::map<std::string, size_t> rank_;
};

void add_tasks_below(const SuiteInfo& suite, const SuiteGroup& group, size_t depth,
                     std::vector<std::string>& tasks) {
  if (depth > suite.groups.size()) {
    throw Error(ErrorKind::kArgument, suite.name,
                fmt::format("must have no group that contains itself, found {}", shown_name(group.name)));
  }
  for (const std::string& name : group.of) {
    const auto below = std::find_if(suite.groups.begin(), suite.groups.end(),
                                    [&](const SuiteGroup& other) { return other.name == name; });
    if (below == suite.groups.end()) {
      tasks.push_back(name);
    } else {
      add_tasks_below(suite, *below, depth + 1, tasks);
    }
  }
}

}  // namespace

std::optional<SuiteInfo> known_suite(const std::string& name, Protocol protocol) {
  const std::vector<std::string> names = suite_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) return std::nullopt;
  return describe_suite(name, to_string(protocol));
}

std::vector<std::string> tasks_below(const SuiteInfo& suite, const SuiteGroup& group) {
  std::vector<std::string> tasks;
  add_tasks_below(suite, group, 0, tasks);
  return tasks;
}

const TaskScore* RunScores::find(std::string_view task) const {
  const auto found =
      std::find_if(tasks.begin(), tasks.end(), [&](const TaskScore& s) { return s.task == task; });
  return found == tasks.end() ? nullptr : &*found;
}

std::vector<std::vector<const EvalRecord*>> records_by_task(const Run& run) {
  std::vector<std::vector<const EvalRecord*>> tasks;
  for (const EvalRecord& record : run.records) {
    if (!record.score || record.metric == kPerplexity) continue;
    if (tasks.empty() || tasks.back().front()->task != record.task) tasks.emplace_back();
    tasks.back().push_back(&record);
  }
  return tasks;
}

double aggregate(const Run& run, std::span<const EvalRecord* const> records) {
  if (records.empty()) return 0;
  const std::string& name = records.front()->metric;
  std::vector<ItemScore> scores;
  scores.reserve(records.size());
  for (const EvalRecord* record : records) {
    if (record->metric != name) {
      throw_bad_file(run.directory / "records.jsonl",
                     fmt::format("the items of a task must have one metric, found {} and {} in {}",
                                 shown_name(name), shown_name(record->metric), shown_name(record->task)));
    }
    scores.push_back(record->item_score());
  }
  try {
    return find_metric(name, run.manifest.protocol).aggregate(scores);
  } catch (const Error& error) {
    throw_bad_file(run.directory / "records.jsonl",
                   fmt::format("the metric of {} must be known, found: {}", shown_name(records.front()->task),
                               error.what()));
  }
}

RunScores score_run(const Run& run, const SuiteInfo* suite) {
  RunScores scores;
  std::map<std::string, double> by_task;
  for (const auto& records : records_by_task(run)) {
    scores.tasks.push_back(score_task(run, suite, records));
    by_task[scores.tasks.back().task] = scores.tasks.back().score;
  }
  if (suite != nullptr) scores.means = group_means(*suite, by_task);
  return scores;
}

const SuiteGroup* overall_group(const SuiteInfo& suite) {
  if (suite.groups.empty()) return nullptr;
  const std::vector<std::string> below = tasks_below(suite, suite.groups.back());
  const bool has_all = std::all_of(suite.tasks.begin(), suite.tasks.end(), [&](const SuiteTask& task) {
    return !task.by_default || std::find(below.begin(), below.end(), task.name) != below.end();
  });
  return has_all ? &suite.groups.back() : nullptr;
}

std::vector<LayoutRow> layout(const SuiteInfo& suite, const std::vector<std::string>& extra) {
  using Kind = LayoutRow::Kind;
  const Labels labels(suite);
  std::vector<std::string> waiting;  // tasks that have no row yet
  for (const SuiteTask& task : suite.tasks) waiting.push_back(task.name);
  std::vector<LayoutRow> rows;
  std::vector<LayoutRow> means;
  const auto take = [&](const std::string& name) {
    if (std::erase(waiting, name) > 0) rows.push_back({Kind::kTask, name, labels.of(name), {name}});
  };
  for (const SuiteGroup& group : suite.groups) {
    LayoutRow row{Kind::kGroup, group.name, labels.of(group.name), tasks_below(suite, group)};
    // A group heads its tasks; one of other groups, or of tasks that stand elsewhere, is a mean at the end.
    const bool is_head = &group != overall_group(suite) &&
                         std::all_of(group.of.begin(), group.of.end(), [&](const auto& name) {
                           return std::find(waiting.begin(), waiting.end(), name) != waiting.end();
                         });
    if (!is_head) {
      row.kind = Kind::kAverage;
      means.push_back(std::move(row));
      continue;
    }
    rows.push_back(std::move(row));
    for (const std::string& task : labels.sorted(group.of)) take(task);
  }
  for (const SuiteTask& task : suite.tasks) {
    if (task.by_default || std::find(extra.begin(), extra.end(), task.name) != extra.end()) take(task.name);
  }
  for (const std::string& name : extra) {
    const auto has_row = [&](const LayoutRow& row) { return row.kind == Kind::kTask && row.name == name; };
    if (std::none_of(rows.begin(), rows.end(), has_row)) rows.push_back({Kind::kTask, name, name, {name}});
  }
  rows.insert(rows.end(), means.begin(), means.end());
  return rows;
}

}  // namespace longscroll::report
