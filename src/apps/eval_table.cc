#include "apps/eval_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "console/terminal.h"
#include "suites/suite.h"

namespace longscroll {
namespace {

struct Average {
  std::string title;
  double score;
};

std::vector<Average> averages(std::span<const TaskScore> tasks, const std::string& suite,
                              const std::string& protocol) {
  const std::vector<std::string> known = suite_names();
  const bool is_path = suite.find('/') != std::string::npos || suite.ends_with(".json");
  if (!is_path && std::ranges::find(known, suite) == known.end())
    return {};  // merged runs of a suite of one's own
  const SuiteInfo info = describe_suite(suite, protocol);
  std::map<std::string, double> scores;
  for (const TaskScore& task : tasks) {
    if (task.items > 0) scores[task.task] = task.score;
  }
  const std::map<std::string, double> means = group_means(info, scores);
  std::vector<Average> found;
  for (const SuiteGroup& group : info.groups) {
    const auto mean = means.find(group.name);
    if (mean != means.end()) found.push_back({group.title, mean->second});
  }
  return found;
}

std::string padded(const std::string& text, size_t width) {
  const size_t taken = display_width(text);
  return text + std::string(width - std::min(width, taken), ' ');
}

struct Totals {
  size_t prompt = 0, dropped = 0, reused = 0, truncated = 0;
};
Totals totals_of(std::span<const TaskScore> tasks) {
  Totals totals;
  for (const TaskScore& task : tasks) {
    totals.prompt += task.prompt_tokens;
    totals.dropped += task.dropped_tokens;
    totals.reused += task.reused_tokens;
    totals.truncated += task.truncated_items;
  }
  return totals;
}

}  // namespace

std::string score_table(std::span<const TaskScore> tasks, const std::string& suite,
                        const std::string& protocol) {
  const std::vector<Average> means = averages(tasks, suite, protocol);
  size_t width = display_width("task");
  for (const TaskScore& task : tasks) width = std::max(width, display_width(task.task));
  for (const Average& mean : means) width = std::max(width, display_width(mean.title));
  std::string out = fmt::format("{}  {:>6}  {:>8}  {:>14}  {:>5}\n", padded("task", width), "items", "score",
                                "longest prompt", "cut");
  for (const TaskScore& task : tasks) {
    out += fmt::format("{}  {:>6}  {:>8.2f}  {:>14}  {:>5}\n", padded(task.task, width), task.items,
                       task.score, format_count(task.longest_prompt), task.truncated_items);
  }
  for (const Average& mean : means)
    out += fmt::format("{}  {:>6}  {:>8.2f}\n", padded(mean.title, width), "", mean.score);
  return out;
}

Json describe_scores(std::span<const TaskScore> tasks, const std::string& suite,
                     const std::string& protocol) {
  Json json = {{"tasks", Json::array()}, {"averages", Json::array()}};
  for (const TaskScore& task : tasks) {
    json["tasks"].push_back({{"task", task.task},
                             {"metric", task.metric},
                             {"items", task.items},
                             {"score", task.items > 0 ? Json(task.score) : Json(nullptr)},
                             {"prompt_tokens", task.prompt_tokens},
                             {"longest_prompt", task.longest_prompt},
                             {"truncated_items", task.truncated_items},
                             {"dropped_tokens", task.dropped_tokens},
                             {"reused_tokens", task.reused_tokens}});
  }
  for (const Average& mean : averages(tasks, suite, protocol)) {
    json["averages"].push_back({{"title", mean.title}, {"score", mean.score}});
  }
  const Totals totals = totals_of(tasks);
  json["totals"] = {{"prompt_tokens", totals.prompt},
                    {"truncated_items", totals.truncated},
                    {"dropped_tokens", totals.dropped},
                    {"reused_tokens", totals.reused}};
  return json;
}

std::vector<std::string> cost_remarks(std::span<const TaskScore> tasks, size_t records) {
  const Totals totals = totals_of(tasks);
  std::vector<std::string> remarks;
  if (totals.truncated > 0) {
    remarks.push_back(fmt::format("{} of {} prompts were cut, by {} tokens together", totals.truncated,
                                  records, format_count(totals.dropped)));
  }
  if (totals.prompt > 0) {
    remarks.push_back(
        fmt::format("{} prompt tokens, {:.0f}% of them found in the KV cache", format_count(totals.prompt),
                    100 * static_cast<double>(totals.reused) / static_cast<double>(totals.prompt)));
  }
  return remarks;
}

}  // namespace longscroll
