// What a task's evaluator makes of all lines of the task.
#include <map>

#include "apps/given_scores.h"
#include "metrics/longbench.h"

namespace longscroll {
namespace {

struct Task {
  std::string name;
  std::string metric;
  std::vector<const GivenLine*> lines;
};

std::string metric_of_line(const GivenLine& line, GivenForm form, const GivenOptions& options) {
  if (form == GivenForm::kNeedleCase) return "needle.v1";
  if (form == GivenForm::kLEvalCase) return leval_metric(text_of(line, "task"));
  if (form == GivenForm::kLongBenchCase) return longbench_metric(text_of(line, "task"));
  return options.metric.empty() ? text_of(line, "metric") : options.metric;
}

// In order of appearance; a task of several metrics, as cases may have, is several.
std::vector<Task> tasks_of(const GivenFile& file, const GivenOptions& options) {
  std::vector<Task> tasks;
  std::map<std::pair<std::string, std::string>, size_t> places;
  for (const GivenLine& line : file.lines) {
    const std::string metric = metric_of_line(line, file.form, options);
    const std::string name = line.json.contains("task") ? text_of(line, "task") : "";
    const auto [place, is_new] = places.try_emplace({name, metric}, tasks.size());
    if (is_new) tasks.push_back({name, metric, {}});
    tasks[place->second].lines.push_back(&line);
  }
  return tasks;
}

Answered answered(const GivenLine& line, GivenForm form, std::string& prediction,
                  std::vector<std::string>& references, std::vector<std::string>& classes) {
  prediction = text_of(line, "prediction");
  if (form == GivenForm::kNeedleCase || form == GivenForm::kLEvalCase) {
    references = {text_of(line, form == GivenForm::kNeedleCase ? "gold" : "gt")};
  } else {
    references = texts_of(line, "references");
    classes = texts_or_none(line, form == GivenForm::kRecord ? "classes" : "all_classes");
  }
  return {prediction, references, classes};
}

double aggregate(const Task& task, GivenForm form, const Metric& metric) {
  std::vector<ItemScore> scores;
  for (const GivenLine* line : task.lines) {
    std::string prediction;
    std::vector<std::string> references;
    std::vector<std::string> classes;
    scores.push_back(score_line(*line, metric, answered(*line, form, prediction, references, classes)));
  }
  return metric.aggregate(scores);
}

void add_longbench_numbers(const Task& task, GivenForm form, const GivenOptions& options, Json& out) {
  const auto number = [&](const LongBenchRules& rules) {
    return aggregate(task, form, *make_longbench_metric(task.metric, rules));
  };
  LongBenchRules official = longbench_rules(Protocol::kOfficial);
  if (options.wants(Protocol::kOfficial)) {
    out["official_scorer_pct"] = rounded(number(official), 2);
    if (task.metric == "longbench.code_sim") {
      official.matcher = Matcher::kLevenshtein;
      out["official_scorer_pct_levenshtein"] = rounded(number(official), 2);
    }
  }
  if (options.wants(Protocol::kOpenCompass)) {
    out["opencompass_pct"] = number(longbench_rules(Protocol::kOpenCompass));
  }
}

}  // namespace

std::vector<Json> summarise_given_lines(const GivenFile& file, const GivenOptions& options) {
  std::vector<Json> summaries;
  for (const Task& task : tasks_of(file, options)) {
    Json out;
    if (!task.name.empty()) out["task"] = task.name;
    out["metric"] = task.metric;
    out["n"] = task.lines.size();
    for (const Protocol protocol : options.protocols) {
      out[to_string(protocol)] = aggregate(task, file.form, find_metric(task.metric, protocol));
    }
    if (file.form == GivenForm::kLongBenchCase) add_longbench_numbers(task, file.form, options, out);
    if (file.form == GivenForm::kNeedleCase) {
      const Protocol protocol = options.protocols.front();
      out["average_v1"] = aggregate(task, file.form, find_metric("needle.v1", protocol));
      out["average_v2"] = aggregate(task, file.form, find_metric("needle.v2", protocol));
    }
    summaries.push_back(out);
  }
  return summaries;
}

}  // namespace longscroll
