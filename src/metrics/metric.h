// What a prediction is worth by the rules of one benchmark. Immutable; safe to share between threads.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

// Whose rules: OpenCompass's (the report's), the benchmark's authors', or ours, where a plain fault is mended.
enum class Protocol { kOpenCompass, kOfficial, kClean };
const char* to_string(Protocol protocol);
// Throws Error(kArgument), naming the three.
Protocol protocol_from_name(std::string_view name);

struct Answered {
  std::string_view prediction;           // as the model gave it
  std::span<const std::string> references;
  std::span<const std::string> classes;  // the labels of a classification task; else empty
};

struct ItemScore {
  double score = 0;                     // 0 for nothing to 1 for all (a sum over references may exceed 1)
  std::string prediction;               // what was compared, after the task's own extraction
  std::vector<std::string> references;  // likewise
  std::map<std::string, double> parts;  // what the score was made of, e.g. rouge1, rouge2, rougeL
};

class Metric {
 public:
  virtual ~Metric() = default;
  virtual ItemScore score(const Answered& item) const = 0;
  // A task's number, 0 to 100, as its evaluator prints it before rounding for the table: usually 100 times the
  // mean; a bootstrap median or a mean over groups where the evaluator does that. 0 for no items.
  virtual double aggregate(std::span<const ItemScore> items) const;
};

// By the name that suites use: "longbench.qa_f1", "leval.rouge", "needle.v1", "choice.first_option", …
// Throws Error(kArgument), listing the names, when there is none.
const Metric& find_metric(std::string_view name, Protocol protocol);

}  // namespace longscroll
