// One question of a suite, ready to be put to a model: what suites build and the runner asks.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace longscroll {

struct Turn {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

struct EvalItem {
  std::string task;         // "multifieldqa_zh"
  std::string id;           // unique within the task and the same in every run over the same data
  std::vector<Turn> turns;  // through the model's chat form; bare: one turn, whose text is the whole prompt
  bool bare = false;
  std::vector<std::string> references;
  std::vector<std::string> classes;
  std::string metric;                // metrics/metric.h; empty: not scored by itself, see `join_after`
  size_t max_new_tokens = 0;         // 0: nothing is generated, the choices are scored
  std::vector<std::string> stop;     // the answer ends before the first of these
  std::vector<std::string> choices;  // scored by their log-likelihood after the prompt; else empty
  std::string document;              // items with an equal, non-empty key begin with the same text
  nlohmann::ordered_json fields;     // what reports group by: length, depth, language, repeat, category, …

  // Asked in two parts, scored once (L-Eval's sci_fi). On the later part: the id of the earlier one, an item
  // of the same task that stands just before it. What is scored by this item's metric is
  //   trim(earlier answer) + join_open + trim(this answer) + join_close
  // (trim: white space at both ends). The earlier part has no metric and no references. Else empty.
  std::string join_after;
  std::string join_open;
  std::string join_close;
};

}  // namespace longscroll
