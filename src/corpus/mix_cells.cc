#include "corpus/mix_cells.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll::corpus {
namespace {

[[noreturn]] void refuse_mix(const std::string& key, const std::string& what) {
  throw Error(ErrorKind::kArgument, key, what);
}

template <class Weighted>
double weight_sum(const std::vector<Weighted>& all) {
  double sum = 0;
  for (const Weighted& one : all) sum += one.weight;
  return sum;
}

// Sources as the mix names them: all are one where it names none.
std::string key_of(const MixSettings& settings, const std::string& source) {
  return settings.sources.empty() ? std::string() : source;
}

size_t bucket_count(const MixSettings& settings) {
  return std::max<size_t>(settings.buckets.size(), 1);
}

}  // namespace

void validate(const MixSettings& settings) {
  if (settings.tokens == 0) refuse_mix("mix.tokens", "must be above 0, is 0");
  if (!(settings.max_epochs > 0)) {
    refuse_mix("mix.max_epochs", fmt::format("must be above 0, is {}", settings.max_epochs));
  }
  for (const MixSource& source : settings.sources) {
    if (source.name.empty()) refuse_mix("mix.sources", "must each have a name, found one without");
    if (!(source.weight > 0)) {
      refuse_mix("mix.sources",
                 fmt::format("must have a weight above 0, found {} for {}", source.weight, source.name));
    }
  }
  for (size_t i = 0; i < settings.buckets.size(); ++i) {
    const MixBucket& bucket = settings.buckets[i];
    if (!(bucket.weight > 0)) {
      refuse_mix("mix.buckets", fmt::format("must have a weight above 0, found {}", bucket.weight));
    }
    if (i > 0 && bucket.from <= settings.buckets[i - 1].from) {
      refuse_mix("mix.buckets",
                 fmt::format("must rise, found {} behind {}", bucket.from, settings.buckets[i - 1].from));
    }
  }
}

size_t bucket_of(const MixSettings& settings, uint64_t tokens) {
  if (settings.buckets.empty()) return 0;
  for (size_t i = settings.buckets.size(); i > 0; --i) {
    if (tokens >= settings.buckets[i - 1].from) return i - 1;
  }
  return settings.buckets.size();
}

MixCounts::MixCounts(const MixSettings& settings) : settings_(settings) {}

void MixCounts::add(const std::string& source, uint64_t tokens) {
  Count& count = counts_[{key_of(settings_, source), bucket_of(settings_, tokens)}];
  ++count.documents;
  count.tokens += tokens;
}

MixCounts::Count MixCounts::of(const MixCell& cell) const {
  const auto found = counts_.find({cell.source, bucket_of(settings_, cell.from)});
  return found == counts_.end() ? Count{} : found->second;
}

Json MixCounts::to_json() const {
  Json json = Json::array();
  for (const auto& [key, count] : counts_) {
    json.push_back({key.first, key.second, count.documents, count.tokens});
  }
  return json;
}

void MixCounts::merge_json(const Json& json) {
  for (const Json& entry : json) {
    Count& count = counts_[{entry.at(0).get<std::string>(), entry.at(1).get<size_t>()}];
    count.documents += entry.at(2).get<uint64_t>();
    count.tokens += entry.at(3).get<uint64_t>();
  }
}

MixCells::MixCells(const MixSettings& settings, const MixCounts& counts) : settings_(settings) {
  const auto bucket_share = [&](size_t bucket) {
    if (settings.buckets.empty()) return 1.0;
    return settings.buckets[bucket].weight / weight_sum(settings.buckets);
  };
  for (size_t bucket = 0; bucket < bucket_count(settings); ++bucket) {
    if (settings.sources.empty()) add_cell(nullptr, bucket, 1, bucket_share(bucket), counts);
    for (const MixSource& source : settings.sources) {
      add_cell(&source, bucket, source.weight / weight_sum(settings.sources), bucket_share(bucket), counts);
    }
  }
  for (const MixSource& source : settings.sources) {
    const bool is_there = std::any_of(counts.counts_.begin(), counts.counts_.end(),
                                      [&](const auto& entry) { return entry.first.first == source.name; });
    if (!is_there)
      refuse_mix("mix.sources", fmt::format("must name a source of the documents, found {}", source.name));
  }
}

void MixCells::add_cell(const MixSource* source, size_t bucket, double source_share, double bucket_share,
                        const MixCounts& counts) {
  MixCell cell;
  cell.source = source == nullptr ? "" : source->name;
  if (!settings_.buckets.empty()) {
    cell.from = settings_.buckets[bucket].from;
    cell.up_to = bucket + 1 < settings_.buckets.size() ? settings_.buckets[bucket + 1].from : 0;
  }
  const MixCounts::Count there = counts.of(cell);
  cell.documents = there.documents;
  cell.tokens = there.tokens;
  cell.wanted = static_cast<double>(settings_.tokens) * source_share * bucket_share;
  const double most = source != nullptr && source->max_epochs > 0 ? source->max_epochs : settings_.max_epochs;
  const double rate = cell.tokens == 0 ? 0 : cell.wanted / static_cast<double>(cell.tokens);
  cell.is_capped = cell.tokens == 0 || rate > most;
  cell.rate = std::min(rate, most);
  places_[{cell.source, bucket}] = cells_.size();
  cells_.push_back(std::move(cell));
}

const MixCell* MixCells::find(const std::string& source, uint64_t tokens) const {
  const auto place = places_.find({key_of(settings_, source), bucket_of(settings_, tokens)});
  return place == places_.end() ? nullptr : &cells_[place->second];
}

uint64_t MixCells::times(const MixCell& cell, const std::string& id) const {
  const double whole = std::floor(cell.rate);
  // 53 bits: a double between 0 and 1 that is the same everywhere.
  const uint64_t draw = XXH3_64bits_withSeed(id.data(), id.size(), settings_.seed) >> 11;
  const bool once_more = static_cast<double>(draw) * 0x1p-53 < cell.rate - whole;
  return static_cast<uint64_t>(whole) + (once_more ? 1 : 0);
}

}  // namespace longscroll::corpus
