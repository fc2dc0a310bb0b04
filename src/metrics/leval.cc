#include "metrics/leval.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "metrics/clean_answers.h"
#include "metrics/python_text.h"
#include "metrics/registry.h"
#include "metrics/rouge.h"
#include "metrics/token_f1.h"

namespace longscroll {
namespace {

struct Compared {
  double score = 0;
  std::u32string prediction;
  std::u32string reference;
};

// What is common to L-Eval's metrics: the best reference counts, and there must be one.
class BestReferenceMetric : public Metric {
 public:
  ItemScore score(const Answered& item) const override {
    if (item.references.empty()) {
      throw Error(ErrorKind::kArgument, "references", "must hold at least one, found none");
    }
    const std::u32string prediction = py::decode(item.prediction);
    ItemScore best;
    best.score = -1;
    for (const std::string& reference : item.references) {
      ItemScore one = score_one(prediction, py::decode(reference));
      best.references.push_back(one.references.at(0));
      if (one.score <= best.score) continue;
      one.references = std::move(best.references);
      best = std::move(one);
    }
    return best;
  }

 private:
  virtual ItemScore score_one(std::u32string_view prediction, std::u32string_view reference) const = 0;
};

class ExtractedMetric : public BestReferenceMetric {
 public:
  using Compare = Compared (*)(std::u32string_view prediction, std::u32string_view reference);
  explicit ExtractedMetric(Compare compare) : compare_(compare) {}

 private:
  ItemScore score_one(std::u32string_view prediction, std::u32string_view reference) const override {
    const Compared compared = compare_(prediction, reference);
    return {compared.score, py::encode(compared.prediction), {py::encode(compared.reference)}, {}};
  }

  Compare compare_;
};

class TopicMetric : public ExtractedMetric {
 public:
  using ExtractedMetric::ExtractedMetric;

  double aggregate(std::span<const ItemScore> items) const override {
    std::vector<size_t> numbers(items.size());
    std::iota(numbers.begin(), numbers.end(), size_t{0});
    return leval::mean_of_topics(items, numbers);
  }
};

class JudgeMetric : public BestReferenceMetric {
  ItemScore score_one(std::u32string_view prediction, std::u32string_view reference) const override {
    const leval::Judgement given = leval::judgement(prediction);
    const leval::Judgement wanted = leval::judgement_reference(reference);
    const double loyalty = leval::exact_match(given.first, wanted.first);
    const double fact = leval::exact_match(given.second, wanted.second);
    const auto shown = [](const leval::Judgement& both) {
      return py::encode(both.first) + " [fact: " + py::encode(both.second) + "]";
    };
    return {(loyalty + fact) / 2, shown(given), {shown(wanted)}, {{"fact", fact}, {"loyalty", loyalty}}};
  }
};

enum class RougeHeadline { kBootstrapRouge1, kGeometricMean, kMeanRouge1 };

class RougeMetric : public BestReferenceMetric {
 public:
  explicit RougeMetric(RougeHeadline headline) : headline_(headline) {}

  double aggregate(std::span<const ItemScore> items) const override {
    if (items.empty()) return 0;
    if (headline_ == RougeHeadline::kBootstrapRouge1) {
      std::vector<std::vector<double>> columns(1);
      for (const ItemScore& item : items) columns[0].push_back(item.parts.at("rouge1"));
      return 100 * bootstrap_medians(columns)[0];
    }
    if (headline_ == RougeHeadline::kMeanRouge1) return Metric::aggregate(items);
    double product = 1;
    for (const char* part : {"rouge1", "rouge2", "rougeL"}) {
      double sum = 0;
      for (const ItemScore& item : items) sum += 100 * item.parts.at(part);
      product *= sum / static_cast<double>(items.size());
    }
    return std::pow(product, 1.0 / 3.0);
  }

 private:
  ItemScore score_one(std::u32string_view prediction, std::u32string_view reference) const override {
    const GoogleRouge rouge = google_rouge(prediction, reference);
    const double score = headline_ == RougeHeadline::kGeometricMean
                             ? std::pow(rouge.rouge1 * rouge.rouge2 * rouge.l, 1.0 / 3.0)
                             : rouge.rouge1;
    return {
        score,
        py::encode(prediction),
        {py::encode(reference)},
        {{"rouge1", rouge.rouge1}, {"rouge2", rouge.rouge2}, {"rougeL", rouge.l}, {"rougeLsum", rouge.lsum}}};
  }

  RougeHeadline headline_;
};

Compared equal_strings(std::u32string prediction, std::u32string reference) {
  const double score = prediction == reference ? 1 : 0;
  return {score, std::move(prediction), std::move(reference)};
}

Compared matched(std::u32string prediction, std::u32string reference) {
  const double score = leval::exact_match(prediction, reference);
  return {score, std::move(prediction), std::move(reference)};
}

// QuALITY's reference is a whole option, "(B) Because …": OpenCompass takes its second character.
std::u32string second_character(std::u32string_view reference) {
  if (reference.size() < 2) {
    throw Error(ErrorKind::kArgument, "references",
                fmt::format("must begin like '(B)', found '{}'", py::encode(reference)));
  }
  return std::u32string(1, reference[1]);
}

Compared official_several(std::u32string_view prediction, std::u32string_view reference) {
  return matched(leval::official_choice(prediction, true), leval::official_choice_reference(reference));
}

Compared official_one(std::u32string_view prediction, std::u32string_view reference) {
  return matched(leval::official_choice(prediction, false), leval::official_choice_reference(reference));
}

Compared official_math(std::u32string_view prediction, std::u32string_view reference) {
  return matched(leval::official_math(prediction), leval::official_math(reference));
}

Compared official_code(std::u32string_view prediction, std::u32string_view reference) {
  return matched(leval::official_code(prediction, reference), leval::official_code_reference(reference));
}

Compared official_topic(std::u32string_view prediction, std::u32string_view reference) {
  return matched(std::u32string(prediction), std::u32string(reference));
}

Compared word_f1(std::u32string_view prediction, std::u32string_view reference) {
  const std::u32string given = normalize_answer(prediction);
  const std::u32string wanted = normalize_answer(reference);
  return {token_f1(py::split(given), py::split(wanted)), given, wanted};
}

Compared oc_several(std::u32string_view prediction, std::u32string_view reference) {
  return equal_strings(leval::first_letters(prediction), std::u32string(reference));
}

Compared oc_one(std::u32string_view prediction, std::u32string_view reference) {
  return equal_strings(leval::first_capital(prediction), std::u32string(reference));
}

Compared oc_quality(std::u32string_view prediction, std::u32string_view reference) {
  return equal_strings(leval::first_capital(prediction), second_character(reference));
}

Compared oc_math(std::u32string_view prediction, std::u32string_view reference) {
  return equal_strings(leval::math_after_answer(prediction), leval::math_reference(reference));
}

// The data set's post-processor and the evaluator both apply it to predictions.
Compared oc_topic(std::u32string_view prediction, std::u32string_view reference) {
  const std::u32string given = leval::general(leval::general(prediction));
  const std::u32string wanted = leval::general(reference);
  const bool found = py::contains(given, wanted) || py::contains(given, reference);
  return {found ? 1.0 : 0.0, given, wanted};
}

Compared clean_several(std::u32string_view prediction, std::u32string_view reference) {
  const std::u32string given = clean_choices(prediction);
  if (given.empty()) return {0, given, leval::official_choice_reference(reference)};
  return matched(given, leval::official_choice_reference(reference));
}

Compared clean_one(std::u32string_view prediction, std::u32string_view reference) {
  return equal_strings(clean_choice(prediction), leval::official_choice_reference(reference));
}

Compared clean_math(std::u32string_view prediction, std::u32string_view reference) {
  const std::u32string given = clean_number(prediction);
  const std::u32string wanted = clean_number(reference);
  const std::optional<double> number = py::to_float(given);
  const bool equal = number && number == py::to_float(wanted);
  return {equal ? 1.0 : 0.0, given, wanted};
}

void add(MetricTable& table, const char* name, ExtractedMetric::Compare opencompass,
         ExtractedMetric::Compare official, ExtractedMetric::Compare clean) {
  table[{name, Protocol::kOpenCompass}] = std::make_unique<ExtractedMetric>(opencompass);
  table[{name, Protocol::kOfficial}] = std::make_unique<ExtractedMetric>(official);
  table[{name, Protocol::kClean}] = std::make_unique<ExtractedMetric>(clean);
}

}  // namespace

namespace leval {

std::array<double, 3> topic_means(std::span<const ItemScore> items, std::span<const size_t> numbers) {
  std::array<double, 3> means = {-1, -1, -1};
  for (size_t topic = 0; topic < 3; ++topic) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      if (numbers[i] % 3 != topic) continue;
      sum += items[i].score;
      ++count;
    }
    if (count > 0) means[topic] = 100 * sum / static_cast<double>(count);
  }
  return means;
}

double mean_of_topics(std::span<const ItemScore> items, std::span<const size_t> numbers) {
  double sum = 0;
  double count = 0;
  for (const double mean : topic_means(items, numbers)) {
    if (mean < 0) continue;
    sum += mean;
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace leval

void add_leval_metrics(MetricTable& table) {
  add(table, "leval.choice_multi", oc_several, official_several, clean_several);
  add(table, "leval.choice", oc_one, official_one, clean_one);
  add(table, "leval.choice_quality", oc_quality, official_one, clean_one);
  add(table, "leval.math", oc_math, official_math, clean_math);
  add(table, "leval.code", official_code, official_code, official_code);
  table[{"leval.topic", Protocol::kOpenCompass}] = std::make_unique<ExtractedMetric>(oc_topic);
  table[{"leval.topic", Protocol::kOfficial}] = std::make_unique<TopicMetric>(official_topic);
  table[{"leval.topic", Protocol::kClean}] = std::make_unique<ExtractedMetric>(official_topic);
  for (const Protocol protocol : kProtocols)
    table[{"leval.judge", protocol}] = std::make_unique<JudgeMetric>();
  for (const char* name : {"leval.f1", "leval.rouge"}) {
    table[{name, Protocol::kOpenCompass}] = std::make_unique<RougeMetric>(RougeHeadline::kBootstrapRouge1);
  }
  table[{"leval.f1", Protocol::kOfficial}] = std::make_unique<ExtractedMetric>(word_f1);
  table[{"leval.f1", Protocol::kClean}] = std::make_unique<ExtractedMetric>(word_f1);
  table[{"leval.rouge", Protocol::kOfficial}] = std::make_unique<RougeMetric>(RougeHeadline::kGeometricMean);
  table[{"leval.rouge", Protocol::kClean}] = std::make_unique<RougeMetric>(RougeHeadline::kMeanRouge1);
}

}  // namespace longscroll
