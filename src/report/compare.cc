#include "report/compare.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <span>

#include <fmt/format.h>

#include "base/error.h"
#include "report/scores.h"

namespace longscroll::report {
namespace {

constexpr double kPercent = 100;

struct Pair {
  double first = 0;
  double second = 0;
};

struct TaskPairs {
  std::string task;
  std::vector<Pair> pairs;
  std::vector<double> resampled;  // differences of the means, one a resample
};

uint64_t fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// An index below `n` <= 2^32. (Not std::uniform_int_distribution, which libraries implement differently.)
size_t draw_below(std::mt19937_64& generator, size_t n) {
  return static_cast<size_t>(((generator() >> 32) * static_cast<uint64_t>(n)) >> 32);
}

double mean_of(std::span<const Pair> pairs, double Pair::*value) {
  double sum = 0;
  for (const Pair& pair : pairs) sum += pair.*value;
  return kPercent * sum / static_cast<double>(pairs.size());
}

// Seeded by the task's name, so that a task's interval does not depend on which others there are.
void resample(TaskPairs& task) {
  std::mt19937_64 generator(kBootstrapSeed ^ fnv1a(task.task));
  const size_t n = task.pairs.size();
  task.resampled.resize(kResamples);
  for (double& difference : task.resampled) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
      const Pair& pair = task.pairs[draw_below(generator, n)];
      sum += pair.second - pair.first;
    }
    difference = kPercent * sum / static_cast<double>(n);
  }
}

struct Matched {
  std::vector<TaskPairs> tasks;
  Comparison comparison;
};

bool is_comparable(const EvalRecord& record) {
  return record.score && record.metric != kPerplexity;
}

bool is_through_endpoint(const Run& run) {
  return run.manifest.json.at("model").contains("endpoint");
}

bool same_prompt(const EvalRecord& a, const EvalRecord& b, bool by_length) {
  if (by_length) return a.prompt_tokens == b.prompt_tokens && a.dropped_tokens == b.dropped_tokens;
  return a.prompt_sha256 == b.prompt_sha256;
}

Matched match(const Run& first, const Run& second) {
  using Name = std::pair<std::string_view, std::string_view>;  // task and id, inside the record
  std::map<Name, const EvalRecord*> others;
  for (const EvalRecord& record : second.records) {
    if (is_comparable(record)) others.emplace(Name(record.task, record.id), &record);
  }
  Matched matched;
  const bool by_length = is_through_endpoint(first) != is_through_endpoint(second);
  matched.comparison.prompts_by_length = by_length;
  size_t count = 0;
  for (const EvalRecord& record : first.records) {
    if (!is_comparable(record)) continue;
    const auto other = others.find(Name(record.task, record.id));
    if (other == others.end()) {
      ++matched.comparison.only_first;
      continue;
    }
    ++count;
    if (!same_prompt(record, *other->second, by_length)) ++matched.comparison.different_prompts;
    if (matched.tasks.empty() || matched.tasks.back().task != record.task) {
      matched.tasks.push_back({record.task, {}, {}});
    }
    matched.tasks.back().pairs.push_back({*record.score, *other->second->score});
  }
  matched.comparison.only_second = others.size() - count;
  return matched;
}

Difference task_difference(const TaskPairs& task) {
  Difference result{task.task, task.pairs.size(), mean_of(task.pairs, &Pair::first),
                    mean_of(task.pairs, &Pair::second), std::nullopt};
  if (task.pairs.size() > 1) result.interval = percentile_interval(task.resampled);
  return result;
}

// `mean` gives the number of a whole out of the numbers of its tasks.
template <typename Mean>
Difference combined(const std::string& name, const std::vector<TaskPairs>& tasks, Mean mean) {
  Difference result{name, 0, 0, 0, std::nullopt};
  std::map<std::string, double> first;
  std::map<std::string, double> second;
  size_t largest = 0;
  for (const TaskPairs& task : tasks) {
    result.matched += task.pairs.size();
    largest = std::max(largest, task.pairs.size());
    first[task.task] = mean_of(task.pairs, &Pair::first);
    second[task.task] = mean_of(task.pairs, &Pair::second);
  }
  result.first = mean(first);
  result.second = mean(second);
  if (largest < 2) return result;
  std::vector<double> differences;
  for (size_t i = 0; i < kResamples; ++i) {
    std::map<std::string, double> resampled;
    for (const TaskPairs& task : tasks) resampled[task.task] = task.resampled[i];
    differences.push_back(mean(resampled));
  }
  result.interval = percentile_interval(std::move(differences));
  return result;
}

double plain_mean(const std::map<std::string, double>& values) {
  double sum = 0;
  for (const auto& [task, value] : values) sum += value;
  return sum / static_cast<double>(values.size());
}

void add_groups(const SuiteInfo& suite, const std::vector<TaskPairs>& tasks, Comparison& comparison) {
  std::map<std::string, double> all;
  for (const TaskPairs& task : tasks) all[task.task] = 0;
  const std::map<std::string, double> complete = group_means(suite, all);
  for (const SuiteGroup& group : suite.groups) {
    if (!complete.contains(group.name)) continue;
    std::vector<TaskPairs> below;
    const std::vector<std::string> names = tasks_below(suite, group);
    for (const TaskPairs& task : tasks) {
      if (std::find(names.begin(), names.end(), task.task) != names.end()) below.push_back(task);
    }
    comparison.groups.push_back(combined(group.name, below, [&](const std::map<std::string, double>& scores) {
      return group_means(suite, scores).at(group.name);
    }));
  }
}

}  // namespace

Interval percentile_interval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (place - static_cast<double>(below));
  };
  return {at(0.025), at(0.975)};
}

Comparison compare_runs(const Run& first, const Run& second, const SuiteInfo* suite) {
  if (first.manifest.suite != second.manifest.suite) {
    throw Error(ErrorKind::kArgument, "--compare",
                fmt::format("must name two runs of one suite, found {} and {}", first.manifest.suite,
                            second.manifest.suite));
  }
  Matched matched = match(first, second);
  if (matched.tasks.empty()) {
    throw Error(ErrorKind::kArgument, "--compare",
                "must name two runs that share items by task and id, found none shared");
  }
  Comparison& comparison = matched.comparison;
  for (TaskPairs& task : matched.tasks) {
    resample(task);
    comparison.tasks.push_back(task_difference(task));
  }
  if (suite != nullptr) add_groups(*suite, matched.tasks, comparison);
  comparison.overall = combined(kAllTasks, matched.tasks, plain_mean);
  return comparison;
}

}  // namespace longscroll::report
