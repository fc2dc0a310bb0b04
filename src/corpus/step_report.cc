#include "corpus/step_report.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace longscroll::corpus {
namespace {

// At most `bytes`, without a character cut in two.
std::string beginning(const std::string& text, size_t bytes) {
  if (text.size() <= bytes) return text;
  const std::string_view cut = std::string_view(text).substr(0, bytes);
  return std::string(cut.substr(0, bytes - incomplete_utf8_suffix(cut)));
}

bool comes_first(const Sample& a, const Sample& b) {
  return std::pair(a.order, std::string_view(a.id)) < std::pair(b.order, std::string_view(b.id));
}

void insert(std::vector<Sample>& samples, Sample sample) {
  const auto place = std::lower_bound(samples.begin(), samples.end(), sample, comes_first);
  samples.insert(place, std::move(sample));
  if (samples.size() > StepReport::kSamples) samples.pop_back();
}

std::map<std::string, Tally> tallies_from_json(const Json& json) {
  std::map<std::string, Tally> tallies;
  for (const auto& [name, tally] : json.items()) {
    tallies[name] = {tally.at("documents").get<uint64_t>(), tally.at("bytes").get<uint64_t>()};
  }
  return tallies;
}

Json samples_to_json(const std::map<std::string, std::vector<Sample>>& samples) {
  Json json = Json::object();
  for (const auto& [reason, of_reason] : samples) {
    for (const Sample& sample : of_reason) {
      json[reason].push_back({{"order", sample.order},
                              {"id", sample.id},
                              {"source", sample.source},
                              {"detail", sample.detail},
                              {"text", sample.text}});
    }
  }
  return json;
}

}  // namespace

Tally sum(const std::map<std::string, Tally>& tallies) {
  Tally sum;
  for (const auto& [name, tally] : tallies) sum.add(tally);
  return sum;
}

Json tallies_to_json(const std::map<std::string, Tally>& tallies) {
  Json json = Json::object();
  for (const auto& [name, tally] : tallies) {
    json[name] = {{"documents", tally.documents}, {"bytes", tally.bytes}};
  }
  return json;
}

void StepReport::drop(const TextDocument& document, const std::string& reason, std::string detail) {
  dropped[reason].add(document.text.size());
  std::vector<Sample>& kept = samples[reason];
  const uint64_t order = XXH3_64bits(document.id.data(), document.id.size());
  if (kept.size() == kSamples && order > kept.back().order) return;
  insert(kept,
         {order, document.id, document.source, std::move(detail), beginning(document.text, kSampleBytes)});
}

void StepReport::merge(const StepReport& other) {
  for (const auto& [source, tally] : other.in) in[source].add(tally);
  for (const auto& [source, tally] : other.out) out[source].add(tally);
  for (const auto& [reason, tally] : other.dropped) dropped[reason].add(tally);
  for (const auto& [change, count] : other.changes) changes[change] += count;
  for (const auto& [reason, of_reason] : other.samples) {
    for (const Sample& sample : of_reason) insert(samples[reason], sample);
  }
  shards.insert(shards.end(), other.shards.begin(), other.shards.end());
  faults.merge(other.faults);
}

Json StepReport::to_json() const {
  Json json = {
      {"in", tallies_to_json(in)}, {"out", tallies_to_json(out)}, {"dropped", tallies_to_json(dropped)},
      {"changes", Json::object()}, {"shards", Json::array()},     {"samples", samples_to_json(samples)},
      {"faults", faults.to_json()}};
  for (const auto& [change, count] : changes) json["changes"][change] = count;
  for (const ShardEntry& shard : shards) {
    json["shards"].push_back({{"file", shard.file}, {"documents", shard.documents}, {"bytes", shard.bytes}});
  }
  return json;
}

StepReport StepReport::from_json(const Json& json) {
  StepReport report;
  report.in = tallies_from_json(json.at("in"));
  report.out = tallies_from_json(json.at("out"));
  report.dropped = tallies_from_json(json.at("dropped"));
  for (const auto& [change, count] : json.at("changes").items())
    report.changes[change] = count.get<uint64_t>();
  for (const Json& shard : json.at("shards")) {
    report.shards.push_back({shard.at("file").get<std::string>(), shard.at("documents").get<uint64_t>(),
                             shard.at("bytes").get<uint64_t>()});
  }
  for (const auto& [reason, of_reason] : json.at("samples").items()) {
    for (const Json& sample : of_reason) {
      report.samples[reason].push_back(
          {sample.at("order").get<uint64_t>(), sample.at("id").get<std::string>(),
           sample.at("source").get<std::string>(), sample.at("detail").get<std::string>(),
           sample.at("text").get<std::string>()});
    }
  }
  report.faults = FaultList::from_json(json.at("faults"));
  return report;
}

}  // namespace longscroll::corpus
