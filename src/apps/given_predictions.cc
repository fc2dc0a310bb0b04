// The benchmarks' own prediction files, scored as their evaluators score them.
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "apps/given_scores.h"
#include "base/error.h"
#include "metrics/leval.h"
#include "metrics/longbench.h"
#include "metrics/rouge.h"

namespace longscroll {
namespace {

constexpr const char* kRougeParts[] = {"rouge1", "rouge2", "rougeL", "rougeLsum"};

// A file's answers, and what each scores under one protocol.
struct Answers {
  std::vector<std::string> predictions;
  std::vector<std::string> references;  // L-Eval has one each
};

// The key of the first line that has "_pred" in it holds the prediction, as the authors' script looks for it.
std::string prediction_key(const GivenLine& first) {
  if (first.json.contains("prediction")) return "prediction";
  for (const auto& [key, value] : first.json.items()) {
    if (key.find("_pred") != std::string::npos) return key;
  }
  throw Error(ErrorKind::kFile, first.where, "must have a prediction, found none");
}

Answers read_answers(const GivenFile& file) {
  const std::string key = prediction_key(file.lines.front());
  Answers answers;
  for (const GivenLine& line : file.lines) {
    answers.predictions.push_back(text_of(line, key.c_str()));
    answers.references.push_back(text_of(line, "gt"));
  }
  return answers;
}

ItemScore score_answer(const GivenFile& file, const Answers& answers, size_t i, const Metric& metric) {
  return score_line(file.lines[i], metric,
                    {answers.predictions[i], std::span(answers.references).subspan(i, 1), {}});
}

std::vector<double> column(std::span<const ItemScore> scores, const char* part) {
  std::vector<double> values;
  for (const ItemScore& score : scores) values.push_back(score.parts.at(part));
  return values;
}

double mean_percent(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += 100 * value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

Json extracted(const ItemScore& score) {
  return {{"pred", score.prediction}, {"ref", score.references}, {"score", score.score}};
}

struct LEvalFile {
  const GivenFile& file;
  std::string task;
  std::string metric;
  Answers answers;
  std::vector<size_t> scored;  // the lines that the authors' script scores: exam, f1 and rouge
  std::string evaluation;      // of the last of them: it decides the script's metric
};

LEvalFile open_leval_file(const GivenFile& file, const GivenOptions& options) {
  LEvalFile given{
      .file = file, .task = {}, .metric = {}, .answers = read_answers(file), .scored = {}, .evaluation = {}};
  given.task = options.task.empty() ? task_of_path(file.path, leval_tasks()) : options.task;
  given.metric = leval_metric(given.task);
  const std::set<std::string> supported = {"exam", "f1", "rouge"};
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::string evaluation = text_of(file.lines[i], "evaluation");
    if (!supported.contains(evaluation)) continue;
    given.scored.push_back(i);
    given.evaluation = evaluation;
  }
  return given;
}

const Metric& official_metric(const LEvalFile& given) {
  if (given.evaluation == "rouge") return find_metric("leval.rouge", Protocol::kOfficial);
  if (given.evaluation == "f1") return find_metric("leval.f1", Protocol::kOfficial);
  return find_metric(given.metric, Protocol::kOfficial);
}

void add_official_rouge(std::span<const ItemScore> scores, const Metric& metric, Json& out) {
  Json printed;
  Json unrounded;
  for (const char* part : {"rouge1", "rouge2", "rougeL"}) {
    unrounded[part] = mean_percent(column(scores, part));
    printed[std::string("rouge/") + part] = rounded(unrounded[part].get<double>(), 4);
  }
  unrounded["geometric_mean"] = metric.aggregate(scores);
  printed["rouge/geometric_mean"] = rounded(unrounded["geometric_mean"].get<double>(), 4);
  out["official_printed"] = printed;
  out["official_leval_score"] = printed["rouge/geometric_mean"];
  out["official_unrounded"] = unrounded;
}

// The script prints each topic's score, or each of sci_fi's two, and the mean of what it printed.
double printed_mean(const std::vector<double>& groups) {
  double sum = 0;
  double count = 0;
  for (const double group : groups) {
    if (group < 0) continue;
    sum += rounded(group, 4);
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

void add_official_exam(const LEvalFile& given, std::span<const ItemScore> scores, const Metric& metric,
                       Json& out) {
  const std::string key = given.evaluation == "f1" ? "f1" : "exact_match";
  double unrounded = metric.aggregate(scores);
  double printed = rounded(unrounded, 4);
  if (given.metric == "leval.topic") {
    const std::array<double, 3> means = leval::topic_means(scores, given.scored);
    unrounded = leval::mean_of_topics(scores, given.scored);
    printed = printed_mean({means.begin(), means.end()});
    out["official_slots_1st_2nd_3rd"] = means;
  } else if (given.metric == "leval.judge") {
    const std::vector<double> both = {mean_percent(column(scores, "loyalty")),
                                      mean_percent(column(scores, "fact"))};
    printed = printed_mean(both);
    out["official_loyalty_fact"] = both;
  }
  out["official_printed"] = {{key, printed}};
  out["official_leval_score"] = printed;
  out["official_unrounded"] = {{key, unrounded}};
}

Json official_item(const ItemScore& score, const std::string& evaluation) {
  if (evaluation == "f1") return {{"score", score.score}};
  if (evaluation != "rouge") return extracted(score);
  Json item;
  for (const char* part : {"rouge1", "rouge2", "rougeL"}) item[part] = score.parts.at(part);
  return item;
}

void add_official(const LEvalFile& given, Json& out, std::vector<Json>& items) {
  if (given.scored.empty()) return;
  const Metric& metric = official_metric(given);
  std::vector<ItemScore> scores;
  for (const size_t i : given.scored) {
    scores.push_back(score_answer(given.file, given.answers, i, metric));
    items[i]["official"] = official_item(scores.back(), given.evaluation);
  }
  out["n"] = scores.size();
  out["official_metric"] = given.evaluation == "exam" ? "exact_match" : given.evaluation;
  if (given.evaluation == "rouge") {
    add_official_rouge(scores, metric, out);
  } else {
    add_official_exam(given, scores, metric, out);
  }
}

// Its name in OpenCompass, "" for the tasks that it has not.
std::string opencompass_abbr(const std::string& task) {
  if (task == "codeU" || task == "sci_fi") return {};
  if (task == "topic_retrieval_longchat") return "LEval_topic_retrieval";
  if (task == "natural_question") return "LEval_nq";
  if (task == "tv_show_summ") return "LEval_tvshow_summ";
  std::string name = task;
  if (name.ends_with("_qa") && name != "legal_contract_qa") name = name.substr(0, name.size() - 3) + "qa";
  return "LEval_" + name;
}

Json opencompass_item(const LEvalFile& given, size_t i, const ItemScore& score) {
  if (!score.parts.empty()) return score.parts;
  // The evaluator keeps the topic itself and normalises it while comparing.
  const std::string& reference =
      given.metric == "leval.topic" ? given.answers.references[i] : score.references[0];
  return {{"pred", score.prediction}, {"ref", reference}, {"score", score.score}};
}

void add_opencompass_rouge(std::span<const ItemScore> scores, Json& out) {
  std::vector<std::vector<double>> columns;
  Json means;
  for (const char* part : kRougeParts) {
    columns.push_back(column(scores, part));
    means[part] = mean_percent(columns.back());
  }
  const std::vector<double> medians = bootstrap_medians(columns);
  Json result;
  for (size_t i = 0; i < medians.size(); ++i) result[kRougeParts[i]] = 100 * medians[i];
  out["opencompass_result"] = result;
  out["opencompass_headline"] = result["rouge1"];
  out["rouge_plain_mean_no_bootstrap"] = means;
}

void add_opencompass(const LEvalFile& given, Json& out, std::vector<Json>& items) {
  const std::string abbr = opencompass_abbr(given.task);
  if (abbr.empty()) return;
  const Metric& metric = find_metric(given.metric, Protocol::kOpenCompass);
  std::vector<ItemScore> scores;
  for (size_t i = 0; i < given.file.lines.size(); ++i) {
    scores.push_back(score_answer(given.file, given.answers, i, metric));
    items[i]["opencompass"] = opencompass_item(given, i, scores.back());
  }
  out["opencompass_n"] = scores.size();
  out["opencompass_abbr"] = abbr;
  if (scores.front().parts.empty()) {
    const double result = metric.aggregate(scores);
    out["opencompass_result"] = {{given.metric == "leval.topic" ? "score" : "accuracy", result}};
    out["opencompass_headline"] = result;
  } else {
    add_opencompass_rouge(scores, out);
  }
  out["opencompass_reported_2dp"] = rounded(out["opencompass_headline"].get<double>(), 2);
}

void add_clean(const LEvalFile& given, Json& out, std::vector<Json>& items) {
  const Metric& metric = find_metric(given.metric, Protocol::kClean);
  std::vector<ItemScore> scores;
  for (size_t i = 0; i < given.file.lines.size(); ++i) {
    scores.push_back(score_answer(given.file, given.answers, i, metric));
    items[i]["clean"] = extracted(scores.back());
  }
  out["clean"] = metric.aggregate(scores);
}

}  // namespace

Json score_leval_file(const GivenFile& file, const GivenOptions& options) {
  const LEvalFile given = open_leval_file(file, options);
  std::vector<Json> items(file.lines.size());
  for (size_t i = 0; i < items.size(); ++i) {
    items[i]["id"] = file.lines[i].json.contains("id") ? Json(file.lines[i].json["id"]) : Json(i);
  }
  Json out = {{"file", file.path}, {"task", given.task}, {"n", file.lines.size()}};
  if (options.wants(Protocol::kOfficial)) add_official(given, out, items);
  if (options.wants(Protocol::kOpenCompass)) add_opencompass(given, out, items);
  if (options.wants(Protocol::kClean)) add_clean(given, out, items);
  out["items"] = items;
  return out;
}

Json score_longbench_file(const GivenFile& file, const GivenOptions& options) {
  const std::string task = options.task.empty() ? task_of_path(file.path, longbench_tasks()) : options.task;
  const std::string name = longbench_metric(task);
  // eval.py takes the classes of a file's last line for all of its lines, OpenCompass each line's own.
  const std::vector<std::string> last_classes = texts_or_none(file.lines.back(), "all_classes");
  std::vector<Json> items(file.lines.size());
  const auto number = [&](const LongBenchRules& rules, bool own_classes, const char* key) {
    const std::unique_ptr<const Metric> metric = make_longbench_metric(name, rules);
    std::vector<ItemScore> scores;
    for (size_t i = 0; i < items.size(); ++i) {
      const GivenLine& line = file.lines[i];
      const std::string prediction = text_of(line, "pred");
      const std::vector<std::string> answers = texts_of(line, "answers");
      const std::vector<std::string> classes =
          own_classes ? texts_or_none(line, "all_classes") : last_classes;
      scores.push_back(score_line(line, *metric, {prediction, answers, classes}));
      items[i][key] = scores.back().score;
    }
    return metric->aggregate(scores);
  };
  Json out = {{"file", file.path}, {"task", task}, {"metric", name}, {"n", items.size()}};
  if (options.wants(Protocol::kOfficial)) {
    LongBenchRules rules = longbench_rules(Protocol::kOfficial);
    out["official_unrounded"] = number(rules, false, "official");
    out["official_scorer_pct"] = rounded(out["official_unrounded"].get<double>(), 2);
    if (name == "longbench.code_sim") {
      rules.matcher = Matcher::kLevenshtein;
      out["official_scorer_pct_levenshtein"] = rounded(number(rules, false, "official_levenshtein"), 2);
    }
  }
  if (options.wants(Protocol::kOpenCompass)) {
    out["opencompass_pct"] = number(longbench_rules(Protocol::kOpenCompass), true, "opencompass");
  }
  if (options.wants(Protocol::kClean))
    out["clean"] = number(longbench_rules(Protocol::kClean), true, "clean");
  out["items"] = items;
  return out;
}

}  // namespace longscroll
