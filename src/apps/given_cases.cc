// Golden cases and records, line by line.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "apps/given_scores.h"
#include "base/error.h"
#include "metrics/jieba.h"
#include "metrics/leval.h"
#include "metrics/longbench.h"
#include "metrics/python_text.h"

namespace longscroll {
namespace {

constexpr const char* kJudgeMetric = "leval.judge";

void copy_key(const GivenLine& line, const char* key, Json& out) {
  if (line.json.contains(key)) out[key] = line.json[key];
}

// --- LongBench ---

// "qa_f1_score" of a task that reads the first line only: "longbench.qa_f1.first_line". Without a metric in
// the line, the task's own.
std::string longbench_case_metric(const GivenLine& line) {
  const std::string task = text_of(line, "task");
  const std::string of_task = longbench_metric(task);
  const std::string name = text_of(line, "metric");
  const bool first_line = of_task.ends_with(".first_line");
  return "longbench." + name.substr(0, name.size() - std::string_view("_score").size()) +
         (first_line ? ".first_line" : "");
}

struct LongBenchCase {
  const GivenLine& line;
  std::string metric;
  std::string prediction;
  std::vector<std::string> references;
  std::vector<std::string> classes;

  double score(const LongBenchRules& rules, std::span<const std::string> some_references) const {
    return score_line(line, *make_longbench_metric(metric, rules), {prediction, some_references, classes})
        .score;
  }
  double score(const LongBenchRules& rules) const { return score(rules, references); }
};

// Keys that only some metrics have: code_sim depends on what is installed, rouge on Python's recursion limit.
void add_longbench_variants(const LongBenchCase& given, const GivenOptions& options, Json& out) {
  if (given.metric.find("code_sim") != std::string::npos && options.wants(Protocol::kOfficial)) {
    LongBenchRules rules = longbench_rules(Protocol::kOfficial);
    rules.matcher = Matcher::kLevenshtein;
    out["official_levenshtein"] = given.score(rules);
  }
  if (given.metric.find("rouge") == std::string::npos) return;
  for (const Protocol protocol : {Protocol::kOfficial, Protocol::kOpenCompass}) {
    if (!options.wants(protocol)) continue;
    LongBenchRules rules = longbench_rules(protocol);
    rules.recursion_limit = false;
    const double unlimited = given.score(rules);
    const std::string key = to_string(protocol);
    if (unlimited != out.at(key).get<double>()) out[key + "_no_recursion_limit"] = unlimited;
  }
}

Json score_longbench_case(const GivenLine& line, const GivenOptions& options) {
  const LongBenchCase given{line, longbench_case_metric(line), text_of(line, "prediction"),
                            texts_of(line, "references"), texts_or_none(line, "all_classes")};
  Json out;
  for (const char* key : {"id", "task", "metric"}) copy_key(line, key, out);
  for (const Protocol protocol : options.protocols) {
    out[to_string(protocol)] = given.score(longbench_rules(protocol));
  }
  if (options.wants(Protocol::kOfficial)) {
    const LongBenchRules rules = longbench_rules(Protocol::kOfficial);
    Json each = Json::array();
    for (size_t i = 0; i < given.references.size(); ++i) {
      each.push_back(given.score(rules, std::span(given.references).subspan(i, 1)));
    }
    out["official_per_reference"] = each;
    out["official_scorer_pct"] = rounded(100 * out["official"].get<double>(), 2);
  }
  add_longbench_variants(given, options, out);
  return out;
}

// --- L-Eval ---

void add_judgements(const std::string& prediction, const std::string& reference, const ItemScore& score,
                    Json& out) {
  const leval::Judgement given = leval::judgement(py::decode(prediction));
  const leval::Judgement wanted = leval::judgement_reference(py::decode(reference));
  out["official_pred"] = {py::encode(given.first), py::encode(given.second)};
  out["official_ref"] = {py::encode(wanted.first), py::encode(wanted.second)};
  out["official"] = {score.parts.at("loyalty"), score.parts.at("fact")};
}

Json score_leval_case(const GivenLine& line, const GivenOptions& options) {
  const std::string name = leval_metric(text_of(line, "task"));
  const std::string prediction = text_of(line, "prediction");
  const std::vector<std::string> references = {text_of(line, "gt")};
  Json out;
  for (const char* key : {"id", "kind", "task"}) copy_key(line, key, out);
  for (const Protocol protocol : options.protocols) {
    const ItemScore score = score_line(line, find_metric(name, protocol), {prediction, references, {}});
    const std::string key = to_string(protocol);
    for (const auto& [part, value] : score.parts) {
      if (part.starts_with("rouge")) out[part] = value;
    }
    if (name == kJudgeMetric) {
      if (protocol == Protocol::kOfficial) add_judgements(prediction, references[0], score, out);
      continue;
    }
    if (!score.parts.contains("rouge1") && name != "leval.f1") {
      out[key + "_pred"] = score.prediction;
      out[key + "_ref"] = score.references[0];
    }
    out[key] = score.score;
  }
  return out;
}

// --- NeedleBench ---

Json score_needle_case(const GivenLine& line, const GivenOptions& options) {
  const std::string prediction = text_of(line, "prediction");
  const std::vector<std::string> gold = {text_of(line, "gold")};
  Json out;
  copy_key(line, "id", out);
  for (const Protocol protocol : options.protocols) {
    const auto score = [&](const char* metric) {
      return score_line(line, find_metric(metric, protocol), {prediction, gold, {}});
    };
    const std::string key = to_string(protocol);
    const ItemScore v1 = score("needle.v1");
    out[key] = 100 * v1.score;
    out["edit_distance"] = static_cast<size_t>(v1.parts.at("edit_distance"));
    out["stripped_prediction_len"] = py::decode(v1.prediction).size();
    out["stripped_reference_len"] = py::decode(v1.references[0]).size();
    // The rule looks at the reference's last character; the golden files have null where there is none.
    out[key + "_use_trim"] = v1.references[0].empty() ? Json() : Json(100 * score("needle.v1_trim").score);
    out[key + "_v2"] = 100 * score("needle.v2").score;
  }
  return out;
}

// --- Others ---

Json cut_jieba_case(const GivenLine& line) {
  Json out;
  copy_key(line, "id", out);
  Json tokens = Json::array();
  for (const std::u32string& token : jieba_cut(py::decode(text_of(line, "text"))))
    tokens.push_back(py::encode(token));
  out["tokens"] = tokens;
  return out;
}

Json score_record(const GivenLine& line, const GivenOptions& options) {
  const std::string name = options.metric.empty() ? text_of(line, "metric") : options.metric;
  const std::string prediction = text_of(line, "prediction");
  const std::vector<std::string> references = texts_of(line, "references");
  const std::vector<std::string> classes = texts_or_none(line, "classes");
  Json out;
  for (const char* key : {"task", "id"}) copy_key(line, key, out);
  out["metric"] = name;
  for (const Protocol protocol : options.protocols) {
    const ItemScore score = score_line(line, find_metric(name, protocol), {prediction, references, classes});
    const std::string key = to_string(protocol);
    out[key] = score.score;
    out[key + "_pred"] = score.prediction;
    out[key + "_ref"] = score.references;
    if (!score.parts.empty()) out[key + "_parts"] = score.parts;
  }
  return out;
}

}  // namespace

bool GivenOptions::wants(Protocol protocol) const {
  return std::find(protocols.begin(), protocols.end(), protocol) != protocols.end();
}

std::vector<Json> score_given_lines(const GivenFile& file, const GivenOptions& options) {
  std::vector<Json> scored;
  for (const GivenLine& line : file.lines) {
    switch (file.form) {
      case GivenForm::kLongBenchCase:
        scored.push_back(score_longbench_case(line, options));
        break;
      case GivenForm::kLEvalCase:
        scored.push_back(score_leval_case(line, options));
        break;
      case GivenForm::kNeedleCase:
        scored.push_back(score_needle_case(line, options));
        break;
      case GivenForm::kJiebaCase:
        scored.push_back(cut_jieba_case(line));
        break;
      default:
        scored.push_back(score_record(line, options));
    }
  }
  return scored;
}

}  // namespace longscroll
