// What `longscroll eval SUITE` was asked for.
#pragma once

#include <string>
#include <vector>

#include "apps/common.h"
#include "eval/run_order.h"

namespace longscroll {

struct EvalOptions {
  ModelOptions model;  // empty model: an endpoint
  std::string suite;   // a name, or a path
  std::string data;
  std::string out;
  std::string protocol = "opencompass";
  std::vector<std::string> tasks;
  size_t limit = 0;
  uint64_t seed = 0;
  std::vector<size_t> lengths, depths;
  std::vector<std::string> languages;
  size_t repeats = 0;
  std::string length_tokenizer;
  size_t max_seq_len = 0;  // 0: the protocol's
  std::string truncate = "middle";
  bool compare_truncation = false;
  std::string shard;  // empty: the environment's
  bool resume = false;
  std::string label;
  std::string endpoint, endpoint_model, tokenizer;
  bool json = false;
};

// The exit code.
int run_evaluation(const EvalOptions& options);

}  // namespace longscroll
