// From answers to scores: each record's, and each task's.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/records.h"
#include "metrics/metric.h"
#include "suites/item.h"

namespace longscroll {

// A text's log-likelihood instead of an answer: the score is the geometric mean of its tokens' probabilities,
// the task's number the perplexity of all its tokens.
inline constexpr const char* kPerplexityMetric = "perplexity";

// What a record's prediction is when the item is the later part of a pair: both answers, as the item joins
// them.
std::string joined_prediction(const EvalItem& item, std::string_view earlier, std::string_view later);

// Fills score, scored_prediction, scored_references and parts from prediction and likelihoods. Throws
// Error(kArgument) for a metric that is not there.
void score_record(EvalRecord& record, Protocol protocol);

struct TaskScore {
  std::string task;
  std::string metric;
  size_t items = 0;  // that were scored
  double score = 0;  // as the metric's evaluator prints it, 0 to 100; perplexity for texts
  size_t prompt_tokens = 0, longest_prompt = 0;
  size_t truncated_items = 0, dropped_tokens = 0, reused_tokens = 0;
};
// In the order in which the tasks first occur.
std::vector<TaskScore> score_tasks(std::span<const RecordLine> records, Protocol protocol);

}  // namespace longscroll
