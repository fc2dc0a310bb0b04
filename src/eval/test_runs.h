// For tests: a small suite, a plan over it, and its records without what may differ.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "eval/fake_models.h"
#include "eval/manifest.h"
#include "eval/runner.h"
#include "model/test_models.h"

namespace longscroll::test {

// Three documents of three questions each, two of them interleaved; a pair that is scored once; choices.
inline std::vector<EvalItem> small_suite() {
  std::vector<EvalItem> items;
  for (int question = 0; question < 3; ++question) {
    for (const char* document : {"one", "two"}) {
      EvalItem item;
      item.task = "qa";
      item.id = std::string(document) + "-" + std::to_string(question);
      item.document = document;
      const std::string needle = "the secret of " + item.id;
      item.turns = {{"user", std::string(document) + std::string(60, '.') + "\n" + needle + "\n"}};
      item.references = {"\n" + needle + "\n*" + item.id};
      item.metric = "needle.v1";
      item.max_new_tokens = 40;
      item.fields = {{"length", 100}, {"question", question}};
      items.push_back(item);
    }
  }
  EvalItem choice;
  choice.task = "choice";
  choice.id = "0";
  choice.turns = {{"user", "BBB. Answer: "}};
  choice.bare = true;
  choice.choices = {"A", "B"};
  choice.references = {"\nB\n*B"};
  choice.metric = "needle.v1";
  items.push_back(choice);
  EvalItem text;
  text.task = "text";
  text.id = "0";
  text.turns = {{"user", "abcabc"}};
  text.bare = true;
  text.choices = {"abcd"};
  text.metric = "perplexity";
  items.push_back(text);
  return items;
}

inline RunPlan plan_for(const std::filesystem::path& out, Shard shard = {}) {
  RunPlan plan;
  plan.items = small_suite();
  plan.shard = shard;
  plan.truncation = {TruncationMode::kMiddle, MiddleRule::kWithinTurn, 4096};
  plan.out = out;
  plan.manifest = {{"format", kManifestFormat},
                   {"program", {{"version", "test"}, {"kernels", "none"}}},
                   {"suite", {{"name", "small"}, {"version", "1"}, {"sha256", "0"}}},
                   {"protocol", "opencompass"},
                   {"tasks", {"qa", "choice", "text"}},
                   {"limit", 0},
                   {"seed", 0},
                   {"lengths", nlohmann::json::array()},
                   {"depths", nlohmann::json::array()},
                   {"languages", nlohmann::json::array()},
                   {"repeats", 0},
                   {"max_seq_len", 4096},
                   {"truncate", "middle"},
                   {"length_tokenizer", nullptr},
                   {"shard", {{"index", shard.index}, {"count", shard.count}}},
                   {"label", "fake"},
                   {"model", {{"name", "fake"}, {"sha256", "1"}}},
                   {"data", nlohmann::json::array()},
                   {"machine", {{"cpu", "any"}, {"threads", 1}}}};
  return plan;
}

// Copies the line of the prompt that holds the secret; nothing when there is none.
inline std::string copy_needle(const std::string& prompt) {
  const size_t begin = prompt.find("the secret of");
  return begin == std::string::npos ? "" : prompt.substr(begin, prompt.find('\n', begin) - begin);
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

inline std::vector<nlohmann::json> records_but_times(const std::filesystem::path& run) {
  std::vector<nlohmann::json> records;
  std::ifstream file(run / kRecordsName);
  for (std::string line; std::getline(file, line);) {
    records.push_back(nlohmann::json::parse(line));
    records.back().erase("times");
  }
  return records;
}

}  // namespace longscroll::test
