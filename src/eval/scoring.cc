#include "eval/scoring.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "base/white_space.h"

namespace longscroll {
namespace {

double perplexity(double nats, double tokens) {
  return std::exp(-nats / tokens);
}

void score_text(EvalRecord& record) {
  double nats = 0;
  size_t tokens = 0;
  for (size_t i = 0; i < record.choice_log_likelihoods.size(); ++i) {
    nats += record.choice_log_likelihoods[i];
    tokens += record.choice_tokens[i];
  }
  if (tokens == 0) {
    throw Error(ErrorKind::kArgument, record.task + "/" + record.id,
                "must have a text whose likelihood was computed, found none");
  }
  const auto count = static_cast<double>(tokens);
  record.score = std::exp(nats / count);
  record.parts = {{"nats", nats}, {"tokens", count}, {"perplexity", perplexity(nats, count)}};
}

double aggregate(const std::string& metric, std::span<const ItemScore> items, Protocol protocol) {
  if (metric != kPerplexityMetric) return find_metric(metric, protocol).aggregate(items);
  double nats = 0, tokens = 0;
  for (const ItemScore& item : items) {
    nats += item.parts.at("nats");
    tokens += item.parts.at("tokens");
  }
  return perplexity(nats, tokens);
}

}  // namespace

std::string joined_prediction(const EvalItem& item, std::string_view earlier, std::string_view later) {
  return std::string(strip_python_space(earlier)) + item.join_open + std::string(strip_python_space(later)) +
         item.join_close;
}

void score_record(EvalRecord& record, Protocol protocol) {
  if (record.metric.empty()) return;
  if (record.metric == kPerplexityMetric) return score_text(record);
  ItemScore score =
      find_metric(record.metric, protocol).score({record.prediction, record.references, record.classes});
  record.score = score.score;
  record.scored_prediction = std::move(score.prediction);
  record.scored_references = std::move(score.references);
  record.parts = std::move(score.parts);
}

std::vector<TaskScore> score_tasks(std::span<const RecordLine> records, Protocol protocol) {
  std::vector<TaskScore> tasks;
  std::vector<std::vector<ItemScore>> items;
  std::unordered_map<std::string, size_t> known;
  for (const RecordLine& line : records) {
    const EvalRecord& record = line.record;
    const auto [at, is_new] = known.emplace(record.task, tasks.size());
    if (is_new) {
      tasks.emplace_back().task = record.task;
      items.emplace_back();
    }
    TaskScore& task = tasks[at->second];
    task.prompt_tokens += record.prompt_tokens;
    task.longest_prompt = std::max(task.longest_prompt, record.prompt_tokens);
    task.truncated_items += record.dropped_tokens > 0 ? 1 : 0;
    task.dropped_tokens += record.dropped_tokens;
    task.reused_tokens += record.reused_tokens;
    if (!record.score) continue;
    task.metric = record.metric;
    items[at->second].push_back(record.item_score());
  }
  for (size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].items = items[i].size();
    if (!items[i].empty()) tasks[i].score = aggregate(tasks[i].metric, items[i], protocol);
  }
  return tasks;
}

}  // namespace longscroll
