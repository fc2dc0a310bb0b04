// MMLU, C-Eval and CMMLU as OpenCompass scores them: a letter out of the answer, equal to the reference or
// not. The benchmarks' authors score likelihoods only, so `official` is OpenCompass's newer reading here.
#include "base/error.h"
#include "metrics/clean_answers.h"
#include "metrics/first_option.h"
#include "metrics/leval.h"
#include "metrics/python_text.h"
#include "metrics/registry.h"

namespace longscroll {
namespace {

using Extract = std::u32string (*)(std::u32string_view);

class LetterMetric : public Metric {
 public:
  explicit LetterMetric(Extract extract) : extract_(extract) {}

  ItemScore score(const Answered& item) const override {
    if (item.references.size() != 1) {
      throw Error(ErrorKind::kArgument, "references",
                  "must hold the right choice alone, found " + std::to_string(item.references.size()));
    }
    ItemScore result;
    result.prediction = py::encode(extract_(py::decode(item.prediction)));
    result.references = {item.references[0]};
    result.score = result.prediction == item.references[0] ? 1 : 0;
    return result;
  }

 private:
  Extract extract_;
};

std::u32string as_it_is(std::u32string_view text) {
  return std::u32string(text);
}

std::u32string option_026(std::u32string_view text) {
  return first_option(text, FirstOption::kOpenCompass026);
}

std::u32string option_newer(std::u32string_view text) {
  return first_option(text, FirstOption::kNewer);
}

std::u32string option_clean(std::u32string_view text) {
  return first_option(text, FirstOption::kClean);
}

void add(MetricTable& table, const char* name, Extract opencompass, Extract official, Extract clean) {
  table[{name, Protocol::kOpenCompass}] = std::make_unique<LetterMetric>(opencompass);
  table[{name, Protocol::kOfficial}] = std::make_unique<LetterMetric>(official);
  table[{name, Protocol::kClean}] = std::make_unique<LetterMetric>(clean);
}

}  // namespace

void add_choice_metrics(MetricTable& table) {
  add(table, "choice.first_option", option_026, option_newer, option_clean);
  add(table, "choice.first_capital", leval::first_capital, leval::first_capital, clean_choice);
  // The prediction is the choice that the model gave the greatest likelihood.
  add(table, "choice.likelihood", as_it_is, as_it_is, as_it_is);
}

}  // namespace longscroll
