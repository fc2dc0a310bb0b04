// Scores of lines that somebody else's model answered, under the keys that the golden files have.
#pragma once

#include <string>
#include <vector>

#include "apps/given_lines.h"

namespace longscroll {

struct GivenOptions {
  std::vector<Protocol> protocols;  // whose scores are wanted, in the order of the output
  std::string metric;               // instead of the lines' own; else empty
  std::string task;                 // instead of the one in a prediction file's name; else empty

  bool wants(Protocol protocol) const;
};

// One object a line, in the lines' order.
std::vector<Json> score_given_lines(const GivenFile& file, const GivenOptions& options);

// One object a task, in order of appearance: what its evaluator makes of the file's lines.
std::vector<Json> summarise_given_lines(const GivenFile& file, const GivenOptions& options);

// A file of L-Eval's or LongBench's own predictions as a whole, with "items".
Json score_leval_file(const GivenFile& file, const GivenOptions& options);
Json score_longbench_file(const GivenFile& file, const GivenOptions& options);

// L-Eval's tasks and LongBench's.
std::vector<std::string> leval_tasks();
std::vector<std::string> longbench_tasks();
const char* leval_metric(const std::string& task);      // throws Error(kArgument) for an unknown task
const char* longbench_metric(const std::string& task);  // likewise

}  // namespace longscroll
