// Lines of predictions that somebody else made, and what they hold: read whole and checked before one is
// scored.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/common.h"
#include "metrics/metric.h"

namespace longscroll {

enum class GivenForm {
  kLongBenchCase,  // id, task, metric ("qa_f1_score"), prediction, references, all_classes
  kLEvalCase,      // id, kind, task, prediction, gt
  kNeedleCase,     // prediction, gold ("needle*keyword")
  kJiebaCase,      // id, text
  kLongBenchFile,  // THUDM's pred.py: pred, answers, all_classes, length
  kLEvalFile,      // L-Eval's: prediction or MODEL_pred, gt, evaluation
  kRecord,         // records.jsonl: task, id, prediction, references, classes, metric
};

struct GivenLine {
  std::string where;  // "file:12", for messages
  nlohmann::json json;
};

struct GivenFile {
  std::string path;
  GivenForm form;
  std::vector<GivenLine> lines;
};

// All lines must be of the first one's form; an id is given once (in records: once a task). With a `metric`,
// lines with nothing but a prediction and references are records too. Throws Error(kFile), naming file and
// line.
GivenFile read_given_file(const std::string& path, bool has_metric);

// Throw Error(kFile) naming the line unless the value is there and of the type.
std::string text_of(const GivenLine& line, const char* key);
std::vector<std::string> texts_of(const GivenLine& line, const char* key);
std::vector<std::string> texts_or_none(const GivenLine& line, const char* key);  // absent or null: empty

// The metric's score; an Error about the item is one about the line.
ItemScore score_line(const GivenLine& line, const Metric& metric, const Answered& item);

// The task in a file's name: the longest of `known` that it has in it. Throws Error(kArgument) for none.
std::string task_of_path(const std::string& path, const std::vector<std::string>& known);

double rounded(double value, int digits);  // as Python's round()

}  // namespace longscroll
