// What a prediction is worth by the rules of one benchmark. Immutable; safe to share between threads.
//
// Names (find_metric), and what they read of the prediction:
//   longbench.qa_f1, .qa_f1_zh           words, jieba's words: F1
//   longbench.rouge, .rouge_zh           ROUGE-L of the package `rouge`, on words or jieba's words
//   longbench.classification             which of the classes are named
//   longbench.retrieval, .retrieval_zh, .count   numbers
//   longbench.code_sim                   the first line of code: fuzzywuzzy's ratio
//   longbench.qa_f1.first_line, .rouge.first_line, .classification.first_line   the first line alone
//   leval.choice_multi (coursera), .choice (tpo), .choice_quality (quality: the reference is "(B) Because …")
//   leval.math, .code, .judge (sci_fi), .topic, .f1, .rouge
//   needle.v1, .v1_trim, .v2             the reference is "needle*keyword"
//   choice.first_option, .first_capital  a letter; official: OpenCompass's newer reading, for the authors
//   have none choice.likelihood                    the prediction is the choice that was likeliest
// OpenCompass has neither leval.code nor leval.judge: there it is the authors' rule. Under opencompass
// leval.f1 is leval.rouge, as its evaluator has it.
//
// What `clean` mends; where nothing is said, it is opencompass for LongBench and official for L-Eval:
//   longbench.retrieval, .retrieval_zh, .count, .classification   the best reference, not the sum over them
//   longbench.classification   every class that is part of the right one is taken off, none is skipped
//   longbench.rouge, .rouge_zh no zero where Python's recursion ends; the prediction is segmented once
//   longbench.code_sim         always the Levenshtein ratio, whatever is installed
//   leval.choice, .choice_quality, .choice_multi   letters that stand alone ("Because" is no B); none is no
//   guess leval.math                 numbers are compared, with their decimals and signs; commas are dropped
//   leval.topic                the mean over items, not over three groups by their order
//   leval.rouge                the mean of rouge1, no bootstrap median and no geometric mean
//   needle.*                   the keyword follows the last star; an empty one is not found
//   choice.first_option        the comma that fused two patterns; choice.first_capital: a letter that stands
//   alone
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

// Whose rules: OpenCompass's (the report's), the benchmark's authors', or ours, where a plain fault is
// mended.
enum class Protocol { kOpenCompass, kOfficial, kClean };
const char* to_string(Protocol protocol);
// Throws Error(kArgument), naming the three.
Protocol protocol_from_name(std::string_view name);

struct Answered {
  std::string_view prediction;  // as the model gave it
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
  // A task's number, 0 to 100, as its evaluator prints it before rounding for the table: usually 100 times
  // the mean; a bootstrap median or a mean over groups where the evaluator does that. 0 for no items.
  virtual double aggregate(std::span<const ItemScore> items) const;
};

// By the name that suites use: "longbench.qa_f1", "leval.rouge", "needle.v1", "choice.first_option", …
// Throws Error(kArgument), listing the names, when there is none.
const Metric& find_metric(std::string_view name, Protocol protocol);

}  // namespace longscroll
