// Runs as the tests write them: a manifest and records, any key of which a test can change.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/test_folder.h"

namespace longscroll::report {

using Json = nlohmann::ordered_json;

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline Json test_manifest(const std::string& suite, size_t items) {
  return {{"format", 1},
          {"program", {{"version", "test"}, {"kernels", "portable"}}},
          {"suite", {{"name", suite}, {"version", "1"}, {"sha256", "00"}}},
          {"protocol", "opencompass"},
          {"tasks", Json::array()},
          {"limit", nullptr},
          {"seed", 0},
          {"lengths", Json::array()},
          {"depths", Json::array()},
          {"languages", Json::array()},
          {"repeats", 0},
          {"max_seq_len", 32768},
          {"truncate", "middle"},
          {"length_tokenizer", nullptr},
          {"shard", {{"index", 0}, {"count", 1}}},
          {"label", "tiny"},
          {"model", {{"name", "tiny"}, {"quantisation", "Q4_0"}, {"kv", "q8"}}},
          {"data", Json::array()},
          {"machine", {{"cpu", "a processor"}, {"threads", 2}}},
          {"items", items},
          {"state", "complete"}};
}

inline Json test_record(const std::string& task, const std::string& id, double score) {
  return {{"task", task},
          {"id", id},
          {"index", 0},
          {"prompt_sha256", "ab"},
          {"prompt_tokens", 100},
          {"dropped_tokens", 0},
          {"truncation", nullptr},
          {"prediction", "an answer"},
          {"finish", "stop"},
          {"references", {"the answer"}},
          {"classes", Json::array()},
          {"metric", "longbench.qa_f1"},
          {"score", score},
          {"scored_prediction", "answer"},
          {"scored_references", {"answer"}},
          {"parts", Json::object()},
          {"fields", Json::object()},
          {"generated_tokens", 5},
          {"reused_tokens", 40},
          {"times", {{"prefill_seconds", 0.5}, {"decode_seconds", 0.25}}}};
}

inline Json needle_record(const std::string& language, uint64_t length, uint64_t depth, uint64_t repeat,
                          double score) {
  Json record = test_record("single", fmt::format("{}-{}-{}-{}", language, length, depth, repeat), score);
  record["metric"] = "needle.v1";
  record["fields"] = {{"language", language}, {"length", length}, {"depth", depth}, {"repeat", repeat}};
  return record;
}

inline std::string lines_of(const std::vector<Json>& records) {
  std::string text;
  for (const Json& record : records) text += record.dump() + "\n";
  return text;
}

inline void write_run(const std::filesystem::path& directory, const Json& manifest,
                      const std::string& lines) {
  write_text(directory / "manifest.json", manifest.dump());
  write_text(directory / "records.jsonl", lines);
}

}  // namespace longscroll::report
