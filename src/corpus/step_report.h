// What a step did to its documents: the numbers of the funnel, in one form for a task, a phase and a step.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "corpus/faults.h"
#include "corpus/text_document.h"

namespace longscroll::corpus {

struct Tally {
  uint64_t documents = 0;
  uint64_t bytes = 0;  // of their texts

  void add(uint64_t text_bytes, uint64_t times = 1) {
    documents += times;
    bytes += text_bytes * times;
  }
  void add(const Tally& other) {
    documents += other.documents;
    bytes += other.bytes;
  }
  bool operator==(const Tally&) const = default;
};

// A document that was dropped, for a person to read whether it should have been.
struct Sample {
  uint64_t order = 0;  // the hash of its id: the least are kept, so that no order of tasks decides
  std::string id;
  std::string source;
  std::string detail;  // what the rule measured
  std::string text;    // its beginning
};

struct ShardEntry {
  std::string file;
  uint64_t documents = 0;
  uint64_t bytes = 0;
};

struct StepReport {
  static constexpr size_t kSamples = 5;  // for each reason
  static constexpr size_t kSampleBytes = 1200;

  std::map<std::string, Tally> in;                     // by source
  std::map<std::string, Tally> out;                    // by source
  std::map<std::string, Tally> dropped;                // by reason
  std::map<std::string, uint64_t> changes;             // what was mended, how often
  std::map<std::string, std::vector<Sample>> samples;  // by reason, in their order
  std::vector<ShardEntry> shards;                      // written
  FaultList faults;

  void drop(const TextDocument& document, const std::string& reason, std::string detail);
  // Of another task of the same step; in the order of tasks, for shards and faults.
  void merge(const StepReport& other);

  Json to_json() const;
  static StepReport from_json(const Json& json);  // of to_json(); throws nlohmann's exceptions
};

Tally sum(const std::map<std::string, Tally>& tallies);
Json tallies_to_json(const std::map<std::string, Tally>& tallies);

}  // namespace longscroll::corpus
