// The numbers of a run: a task's score as its evaluator prints it, and the suite's averages.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/run.h"
#include "suites/suite.h"

namespace longscroll::report {

inline constexpr const char* kPerplexity =
    "perplexity";  // the metric of items whose likelihood is the result

struct TaskScore {
  std::string task;
  std::string metric;
  double score = 0;          // 0 to 100, by Metric::aggregate
  size_t items = 0;          // that were scored
  std::optional<size_t> of;  // items of the whole task; nullopt where nobody says
  bool partial = false;      // not all of the task's items
};

struct RunScores {
  std::vector<TaskScore> tasks;         // in the order of the run's records
  std::map<std::string, double> means;  // of the suite's groups that have all their tasks

  const TaskScore* find(std::string_view task) const;
};

// The suite that comes with the program under this name; nullopt when none does, as for a user's own suite
// file.
std::optional<SuiteInfo> known_suite(const std::string& name, Protocol protocol);

// The names of the tasks that a group averages, through the groups it is made of. Throws Error(kArgument)
// when groups name each other in a circle.
std::vector<std::string> tasks_below(const SuiteInfo& suite, const SuiteGroup& group);

// The group that is the suite's overall number: its last, when that stands on all tasks which are taken by
// default (L-Eval's official tables have none). Else null.
const SuiteGroup* overall_group(const SuiteInfo& suite);

// Items that are not scored by themselves, and perplexity's, which have no score, are left out. `suite` may
// be null. Throws Error(kFile) for a metric that is not known, or several in one task.
RunScores score_run(const Run& run, const SuiteInfo* suite);

// By the metric of the first; all have the same. Throws Error(kFile) otherwise, naming the run.
double aggregate(const Run& run, std::span<const EvalRecord* const> records);

// The scored records of a run, task by task; pointers into it. None of them is of metric kPerplexity.
std::vector<std::vector<const EvalRecord*>> records_by_task(const Run& run);

// One row of a suite's table, in the report's layout: a group's mean, its tasks below it, and at the end the
// means over groups.
struct LayoutRow {
  enum class Kind { kTask, kGroup, kAverage };
  Kind kind = Kind::kTask;
  std::string name;  // of the task or group
  std::string label;
  std::vector<std::string> tasks;  // that it stands on
};
// With the report's labels and its order of tasks in a group where it has them; `extra` are the runs' tasks,
// of which those that the suite does not take by itself stand behind its own.
std::vector<LayoutRow> layout(const SuiteInfo& suite, const std::vector<std::string>& extra);

}  // namespace longscroll::report
