// The chain of steps behind a corpus, and how long its documents are after each: the report's figures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "corpus/mix.h"
#include "corpus/step_folder.h"
#include "data/length_stats.h"

namespace longscroll::corpus {

struct FunnelStep {
  std::filesystem::path folder;
  Json manifest;
};

// The steps from the first to `last`: each step's input files lie in the folder of the one before. Ends at
// what is not a step's folder any more; of several inputs the first is followed. Throws Error(kFile) unless
// `last` is a step that is done.
std::vector<FunnelStep> chain_of(const std::filesystem::path& last);

struct CorpusLengths {
  data::LengthStats all;
  std::map<std::string, data::LengthStats> by_source;
  FaultList faults;
};

// Lengths in tokens of the documents in shards, on so many threads. Throws Error(kCancelled).
CorpusLengths measure_lengths(const std::vector<InputFile>& shards, const CountTokens& count_tokens,
                              int threads, const data::ReadEvents& events);

}  // namespace longscroll::corpus
