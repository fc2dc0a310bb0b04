// For this layer's tests: shards out of thin air, and what a step left in its folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/test_folder.h"
#include "corpus/document_reader.h"
#include "corpus/document_writer.h"
#include "corpus/step_folder.h"
#include "data/test_documents.h"

namespace longscroll::corpus::test {

using data::test::error_of;
using longscroll::test::TempFolder;

inline std::filesystem::path write_shard(const std::filesystem::path& path,
                                         const std::vector<TextDocument>& documents) {
  std::filesystem::create_directories(path.parent_path());
  DocumentWriter writer(path);
  for (const TextDocument& document : documents) writer.add(document);
  writer.commit();
  return path;
}

// Ids "a", "b", … of the given texts, all of one source.
inline std::vector<TextDocument> documents_of(const std::vector<std::string>& texts,
                                              const std::string& source = "web",
                                              const std::string& prefix = "") {
  std::vector<TextDocument> documents;
  for (size_t i = 0; i < texts.size(); ++i) {
    documents.push_back({prefix + std::to_string(i), source, texts[i], "{}"});
  }
  return documents;
}

struct ReadShards {
  std::vector<TextDocument> documents;
  FaultList faults;

  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (const TextDocument& document : documents) ids.push_back(document.id);
    return ids;
  }
  std::map<std::string, std::string> texts() const {
    std::map<std::string, std::string> texts;
    for (const TextDocument& document : documents) texts[document.id] = document.text;
    return texts;
  }
};

inline ReadShards read_shards(const std::filesystem::path& path) {
  ReadShards read;
  for (const InputFile& file : find_documents({path})) {
    DocumentReader reader(file.path, read.faults);
    for (TextDocument document; reader.next(document);) read.documents.push_back(document);
  }
  return read;
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Every shard and the manifest, by name.
inline std::map<std::string, std::string> outputs_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> outputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) outputs[entry.path().filename().string()] = bytes_of(entry.path());
  }
  return outputs;
}

inline StepRequest request_of(const std::filesystem::path& in, const std::filesystem::path& out,
                              int workers = 1) {
  StepRequest request;
  request.inputs = {in};
  request.out = out;
  request.workers = workers;
  return request;
}

// For a tokenizer.
inline uint64_t count_bytes(std::string_view text) {
  return text.size();
}

// Words that a seed decides, ten to a line: a text like no other.
inline std::string random_words(uint64_t seed, size_t count) {
  std::string text;
  uint64_t state = seed * 2654435761u + 1;
  for (size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::string word;
    for (uint64_t rest = state >> 20, letters = 3 + (state >> 60) % 5; letters > 0; --letters, rest /= 26) {
      word += static_cast<char>('a' + rest % 26);
    }
    text += word + (i % 10 == 9 ? "\n" : " ");
  }
  return text;
}

}  // namespace longscroll::corpus::test
