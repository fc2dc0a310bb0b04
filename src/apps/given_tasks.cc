// Which metric scores a task of L-Eval or LongBench.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/given_scores.h"
#include "base/error.h"

namespace longscroll {
namespace {

struct TaskMetric {
  const char* task;
  const char* metric;
};

constexpr TaskMetric kLEval[] = {
    {"coursera", "leval.choice_multi"},
    {"gsm100", "leval.math"},
    {"quality", "leval.choice_quality"},
    {"tpo", "leval.choice"},
    {"topic_retrieval_longchat", "leval.topic"},
    {"codeU", "leval.code"},
    {"sci_fi", "leval.judge"},
    {"financial_qa", "leval.f1"},
    {"legal_contract_qa", "leval.f1"},
    {"multidoc_qa", "leval.f1"},
    {"narrative_qa", "leval.f1"},
    {"natural_question", "leval.f1"},
    {"scientific_qa", "leval.f1"},
    {"gov_report_summ", "leval.rouge"},
    {"meeting_summ", "leval.rouge"},
    {"news_summ", "leval.rouge"},
    {"paper_assistant", "leval.rouge"},
    {"patent_summ", "leval.rouge"},
    {"review_summ", "leval.rouge"},
    {"tv_show_summ", "leval.rouge"},
};

constexpr TaskMetric kLongBench[] = {
    {"narrativeqa", "longbench.qa_f1"},
    {"qasper", "longbench.qa_f1"},
    {"multifieldqa_en", "longbench.qa_f1"},
    {"multifieldqa_zh", "longbench.qa_f1_zh"},
    {"hotpotqa", "longbench.qa_f1"},
    {"2wikimqa", "longbench.qa_f1"},
    {"musique", "longbench.qa_f1"},
    {"dureader", "longbench.rouge_zh"},
    {"gov_report", "longbench.rouge"},
    {"qmsum", "longbench.rouge"},
    {"multi_news", "longbench.rouge"},
    {"vcsum", "longbench.rouge_zh"},
    {"trec", "longbench.classification.first_line"},
    {"triviaqa", "longbench.qa_f1.first_line"},
    {"samsum", "longbench.rouge.first_line"},
    {"lsht", "longbench.classification.first_line"},
    {"passage_count", "longbench.count"},
    {"passage_retrieval_en", "longbench.retrieval"},
    {"passage_retrieval_zh", "longbench.retrieval_zh"},
    {"lcc", "longbench.code_sim"},
    {"repobench-p", "longbench.code_sim"},
};

std::vector<std::string> names(std::span<const TaskMetric> rows) {
  std::vector<std::string> tasks;
  for (const TaskMetric& row : rows) tasks.emplace_back(row.task);
  return tasks;
}

const char* metric_of(std::span<const TaskMetric> rows, const std::string& task) {
  for (const TaskMetric& row : rows) {
    if (task == row.task) return row.metric;
  }
  throw Error(ErrorKind::kArgument, "task",
              fmt::format("must be one of {}, found '{}'", fmt::join(names(rows), ", "), task));
}

}  // namespace

std::vector<std::string> leval_tasks() {
  return names(kLEval);
}

std::vector<std::string> longbench_tasks() {
  return names(kLongBench);
}

const char* leval_metric(const std::string& task) {
  return metric_of(kLEval, task);
}

const char* longbench_metric(const std::string& task) {
  return metric_of(kLongBench, task);
}

}  // namespace longscroll
