#include "metrics/longbench.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/error.h"
#include "metrics/jieba.h"
#include "metrics/python_text.h"
#include "metrics/registry.h"
#include "metrics/rouge.h"
#include "metrics/token_f1.h"

namespace longscroll {
namespace {

using Texts = std::vector<std::u32string>;

// What LongBench deletes from Chinese beside ASCII punctuation. It has 》 and not 《.
constexpr std::u32string_view kChinesePunctuation =
    U"！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙"
    U"〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏.";

Texts decode_all(std::span<const std::string> texts) {
  Texts out;
  for (const std::string& text : texts) out.push_back(py::decode(text));
  return out;
}

std::u32string_view without_leading_newlines(std::u32string_view text) {
  while (text.starts_with(U'\n')) text.remove_prefix(1);
  return text;
}

std::u32string first_line(std::u32string_view text) {
  return py::split(without_leading_newlines(text), U"\n")[0];
}

// The first line without a sign of a comment or of Markdown.
std::u32string first_code_line(std::u32string_view text) {
  for (const std::u32string& line : py::split(without_leading_newlines(text), U"\n")) {
    if (!py::contains(line, U'`') && !py::contains(line, U'#') && !py::contains(line, U"//")) return line;
  }
  return {};
}

Texts chinese_tokens(std::u32string_view text) {
  Texts tokens;
  for (const std::u32string& word : jieba_cut(text)) {
    std::u32string token = py::remove_spaces(py::remove_punctuation(py::lower(word)));
    std::erase_if(token, [](char32_t c) { return py::contains(kChinesePunctuation, c); });
    if (!token.empty()) tokens.push_back(std::move(token));
  }
  return tokens;
}

// The first number that stands right after the word.
std::u32string number_after(std::u32string_view word, std::u32string_view text) {
  for (size_t at = text.find(word); at != std::u32string_view::npos; at = text.find(word, at + 1)) {
    const std::u32string_view rest = text.substr(at + word.size());
    if (!rest.empty() && py::is_decimal(rest.front())) return py::find_numbers(rest)[0];
  }
  throw Error(ErrorKind::kArgument, "references",
              fmt::format("must have '{}' and a number, found '{}'", py::encode(word), py::encode(text)));
}

double share_of(const Texts& numbers, std::u32string_view wanted) {
  if (numbers.empty()) return 0;
  const auto right = std::count(numbers.begin(), numbers.end(), wanted);
  return static_cast<double>(right) / static_cast<double>(numbers.size());
}

double classification(std::u32string_view prediction, std::u32string_view reference, const Texts& classes,
                      bool skip_after_removal) {
  Texts named;
  for (const std::u32string& label : classes) {
    if (py::contains(prediction, label)) named.push_back(label);
  }
  for (size_t i = 0; i < named.size();) {
    const std::u32string label = named[i];
    const bool removed = label != reference && py::contains(reference, label);
    if (removed) named.erase(std::find(named.begin(), named.end(), label));
    if (!removed || skip_after_removal) ++i;
  }
  const bool found = std::find(named.begin(), named.end(), reference) != named.end();
  return found ? 1.0 / static_cast<double>(named.size()) : 0;
}

enum class Kind { kF1, kF1Zh, kRouge, kRougeZh, kClassification, kRetrieval, kRetrievalZh, kCount, kCodeSim };

struct KindName {
  std::string_view name;
  Kind kind;
};
constexpr KindName kKinds[] = {
    {"longbench.qa_f1", Kind::kF1},
    {"longbench.qa_f1_zh", Kind::kF1Zh},
    {"longbench.rouge", Kind::kRouge},
    {"longbench.rouge_zh", Kind::kRougeZh},
    {"longbench.classification", Kind::kClassification},
    {"longbench.retrieval", Kind::kRetrieval},
    {"longbench.retrieval_zh", Kind::kRetrievalZh},
    {"longbench.count", Kind::kCount},
    {"longbench.code_sim", Kind::kCodeSim},
};
constexpr std::string_view kFirstLine = ".first_line";

class LongBenchMetric : public Metric {
 public:
  LongBenchMetric(Kind kind, bool first_line_only, const LongBenchRules& rules)
      : kind_(kind), first_line_only_(first_line_only), rules_(rules) {}

  ItemScore score(const Answered& item) const override {
    std::u32string prediction = py::decode(item.prediction);
    if (first_line_only_) prediction = first_line(prediction);
    const Texts references = decode_all(item.references);
    const Texts classes = decode_all(item.classes);
    ItemScore result;
    result.prediction = shown_prediction(prediction);
    for (const std::u32string& reference : references) {
      if (kind_ == Kind::kRougeZh && (rules_.segment_again || result.references.empty())) {
        prediction = jieba_spaced(prediction);
      }
      const double value = score_one(prediction, reference, classes);
      result.score = sums() ? result.score + value : std::max(result.score, value);
      result.references.push_back(shown_reference(reference));
    }
    return result;
  }

 private:
  bool sums() const {
    return rules_.sum_references && (kind_ == Kind::kClassification || kind_ == Kind::kCount ||
                                     kind_ == Kind::kRetrieval || kind_ == Kind::kRetrievalZh);
  }

  size_t recursion_limit() const {
    if (!rules_.recursion_limit) return kNoLimit;
    return kind_ == Kind::kRougeZh ? kRecursionLimitZh : kRecursionLimit;
  }

  double score_one(std::u32string_view prediction, std::u32string_view reference,
                   const Texts& classes) const {
    switch (kind_) {
      case Kind::kF1:
        return token_f1(py::split(normalize_answer(prediction)), py::split(normalize_answer(reference)));
      case Kind::kF1Zh:
        return token_f1(chinese_tokens(prediction), chinese_tokens(reference));
      case Kind::kRouge:
        return rouge_package_l(prediction, reference, recursion_limit());
      case Kind::kRougeZh:  // the prediction is segmented already
        return rouge_package_l(prediction, jieba_spaced(reference), recursion_limit());
      case Kind::kClassification:
        return classification(prediction, reference, classes, rules_.skip_after_removal);
      case Kind::kRetrieval:
      case Kind::kRetrievalZh:
      case Kind::kCount:
        return share_of(py::find_numbers(prediction), wanted_number(reference));
      case Kind::kCodeSim:
        return fuzzy_ratio(first_code_line(prediction), reference, rules_.matcher) / 100.0;
    }
    return 0;
  }

  std::u32string wanted_number(std::u32string_view reference) const {
    if (kind_ == Kind::kRetrieval) return number_after(U"Paragraph ", reference);
    if (kind_ == Kind::kRetrievalZh) return number_after(U"段落", reference);
    return std::u32string(reference);
  }

  std::string shown_prediction(std::u32string_view prediction) const {
    switch (kind_) {
      case Kind::kRetrieval:
      case Kind::kRetrievalZh:
      case Kind::kCount:
        return py::encode(py::join(py::find_numbers(prediction), U" "));
      case Kind::kCodeSim:
        return py::encode(first_code_line(prediction));
      default:
        return py::encode(shown_text(prediction));
    }
  }

  std::string shown_reference(std::u32string_view reference) const {
    if (kind_ == Kind::kRetrieval || kind_ == Kind::kRetrievalZh) return py::encode(wanted_number(reference));
    return py::encode(shown_text(reference));
  }

  std::u32string shown_text(std::u32string_view text) const {
    if (kind_ == Kind::kF1) return normalize_answer(text);
    if (kind_ == Kind::kF1Zh) return py::join(chinese_tokens(text), U" ");
    if (kind_ == Kind::kRougeZh) return jieba_spaced(text);
    return std::u32string(text);
  }

  Kind kind_;
  bool first_line_only_;
  LongBenchRules rules_;
};

}  // namespace

LongBenchRules longbench_rules(Protocol protocol) {
  LongBenchRules rules;
  if (protocol != Protocol::kOfficial) rules.matcher = Matcher::kLevenshtein;
  if (protocol == Protocol::kOpenCompass) {
    rules.sum_references = true;
    rules.segment_again = true;
  }
  if (protocol == Protocol::kClean) {
    rules.recursion_limit = false;
    rules.skip_after_removal = false;
  }
  return rules;
}

std::unique_ptr<const Metric> make_longbench_metric(std::string_view name, const LongBenchRules& rules) {
  const bool first_line_only = name.ends_with(kFirstLine);
  std::string_view kind_name = name;
  if (first_line_only) kind_name.remove_suffix(kFirstLine.size());
  for (const KindName& known : kKinds) {
    if (known.name == kind_name) return std::make_unique<LongBenchMetric>(known.kind, first_line_only, rules);
  }
  throw Error(ErrorKind::kArgument, "metric", fmt::format("must be one of LongBench's, found '{}'", name));
}

void add_longbench_metrics(MetricTable& table) {
  for (const Protocol protocol : kProtocols) {
    for (const KindName& known : kKinds) {
      std::string name(known.name);
      table[{name, protocol}] = make_longbench_metric(name, longbench_rules(protocol));
      if (known.kind == Kind::kF1 || known.kind == Kind::kRouge || known.kind == Kind::kClassification) {
        name += kFirstLine;
        table[{name, protocol}] = make_longbench_metric(name, longbench_rules(protocol));
      }
    }
  }
}

}  // namespace longscroll
