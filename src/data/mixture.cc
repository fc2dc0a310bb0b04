#include "data/mixture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/random_order.h"

namespace longscroll::data {
namespace {

enum class Way { kAsTheyAre, kWeight, kCount, kRatio };

// Beside those of the layouts.
enum MixturePurpose : uint64_t { kChoiceOfDocuments = 11, kSeedOfPart = 12, kSeedOfMixing = 13 };

uint64_t derived_seed(uint64_t seed, MixturePurpose purpose, uint64_t number) {
  return Random(seed, purpose, number).next();
}

// The first part that has something decides; the others must agree.
Way way_of(const std::vector<MixturePart>& parts) {
  bool weight = false;
  bool count = false;
  bool ratio = false;
  for (const MixturePart& part : parts) {
    const bool fits =
        part.weight >= 0 && part.ratio >= 0 && std::isfinite(part.weight) && std::isfinite(part.ratio);
    if (!fits) throw Error(ErrorKind::kArgument, part.name, "weight and ratio must be numbers above 0");
    weight |= part.weight > 0;
    count |= part.count > 0;
    ratio |= part.ratio > 0;
  }
  if (weight + count + ratio > 1) {
    throw Error(ErrorKind::kArgument, "mixture",
                "must go by weight, by count or by ratio, found more than one of them");
  }
  for (const MixturePart& part : parts) {
    if ((weight && part.weight == 0) || (ratio && part.ratio == 0)) {
      throw Error(ErrorKind::kArgument, part.name,
                  fmt::format("must have a {0} once another source has one, found none",
                              weight ? "weight" : "ratio"));
    }
  }
  return weight ? Way::kWeight : count ? Way::kCount : ratio ? Way::kRatio : Way::kAsTheyAre;
}

Documents that_fit(const MixturePart& part, const MixtureSettings& settings,
                   std::vector<std::string>& remarks) {
  const DocumentSet& documents = *part.documents;
  if (documents.may_split() || settings.too_long == TooLong::kRefuse) return part.documents;
  std::vector<uint32_t> fitting;
  uint64_t longest = 0;
  for (uint32_t i = 0; i < documents.size(); ++i) {
    longest = std::max(longest, documents.positions(i));
    if (documents.positions(i) <= settings.packs.window) fitting.push_back(i);
  }
  const uint64_t left_out = documents.size() - fitting.size();
  if (left_out == 0) return part.documents;
  remarks.push_back(
      fmt::format("{}: {} of {} left out, longer than the window of {}; the longest has {} tokens", part.name,
                  left_out, documents.size(), settings.packs.window, longest + 1));
  return choose(part.documents, std::move(fitting));
}

Documents drawn(Documents documents, uint64_t count, uint64_t seed) {
  if (count == documents->size()) return documents;
  Random random(seed);
  std::vector<uint32_t> chosen = shuffled(documents->size(), random);
  chosen.resize(count);
  std::sort(chosen.begin(), chosen.end());
  return choose(std::move(documents), std::move(chosen));
}

// Documents of each part in an epoch.
std::vector<uint64_t> counts_of(const std::vector<MixturePart>& parts, Way way) {
  std::vector<uint64_t> counts;
  double scale = std::numeric_limits<double>::infinity();
  for (const MixturePart& part : parts) {
    const uint64_t size = part.documents->size();
    if (way == Way::kRatio) scale = std::min(scale, static_cast<double>(size) / part.ratio);
    if (part.count > size) {
      throw Error(ErrorKind::kArgument, part.name,
                  fmt::format("must have the {} documents that are asked for, found {}", part.count, size));
    }
  }
  for (const MixturePart& part : parts) {
    const uint64_t size = part.documents->size();
    if (way != Way::kRatio) {
      counts.push_back(part.count > 0 ? part.count : size);
      continue;
    }
    // The scarcest part gives all it has, whatever the division left of it.
    const auto count = static_cast<uint64_t>(part.ratio * scale + 1e-6);
    counts.push_back(std::min(count, size));
    if (counts.back() == 0) {
      throw Error(ErrorKind::kArgument, part.name,
                  fmt::format("the ratio must give at least one document, found {}", part.ratio));
    }
  }
  return counts;
}

// One stream for each bucket; `remarks` says what lies below the first.
std::vector<WeightedSource> by_length(const std::string& name, const Documents& documents,
                                      const MixtureSettings& settings, const PackSettings& packs,
                                      std::vector<std::string>& remarks) {
  const std::vector<LengthBucket>& buckets = settings.buckets;
  std::vector<std::vector<uint32_t>> chosen(buckets.size());
  uint64_t below = 0;
  for (uint32_t i = 0; i < documents->size(); ++i) {
    const uint64_t length = documents->positions(i) + 1;
    const auto above =
        std::upper_bound(buckets.begin(), buckets.end(), length,
                         [](uint64_t l, const LengthBucket& bucket) { return l < bucket.from; });
    if (above == buckets.begin()) {
      ++below;
    } else {
      chosen[static_cast<size_t>(above - buckets.begin()) - 1].push_back(i);
    }
  }
  if (below > 0) {
    remarks.push_back(fmt::format("{}: {} of {} documents left out, below the first bucket's {} tokens", name,
                                  below, documents->size(), buckets.front().from));
  }
  std::vector<WeightedSource> sources;
  for (size_t b = 0; b < buckets.size(); ++b) {
    std::string bucket_name = fmt::format("{} from {} tokens", name, buckets[b].from);
    if (chosen[b].empty()) {
      throw Error(ErrorKind::kArgument, bucket_name, "must have at least one document, found none",
                  "longscroll data stats shows which lengths there are");
    }
    PackSettings own = packs;
    own.seed = derived_seed(packs.seed, kSeedOfPart, b);
    sources.push_back({std::make_unique<PackedDocuments>(std::move(bucket_name),
                                                         choose(documents, std::move(chosen[b])), own),
                       buckets[b].weight});
  }
  return sources;
}

std::unique_ptr<PackSource> stream(const std::string& name, Documents documents,
                                   const MixtureSettings& settings, uint64_t seed,
                                   std::vector<std::string>& remarks) {
  PackSettings packs = settings.packs;
  packs.seed = seed;
  if (settings.buckets.empty()) return std::make_unique<PackedDocuments>(name, std::move(documents), packs);
  return std::make_unique<MixedPacks>(by_length(name, documents, settings, packs, remarks),
                                      derived_seed(seed, kSeedOfMixing, 0));
}

void check_buckets(const std::vector<LengthBucket>& buckets) {
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i - 1].from < buckets[i].from) continue;
    throw Error(ErrorKind::kArgument, "buckets",
                fmt::format("must begin at rising lengths, found {} before {}", buckets[i - 1].from,
                            buckets[i].from));
  }
}

void check_alike(const std::vector<MixturePart>& parts) {
  if (parts.empty())
    throw Error(ErrorKind::kArgument, "mixture", "must have at least one source, found none");
  for (const MixturePart& part : parts) {
    if (part.documents->may_split() == parts.front().documents->may_split()) continue;
    throw Error(
        ErrorKind::kArgument, part.name,
        fmt::format("must be {0} like {1}, found otherwise: one stage learns from the one or the other",
                    parts.front().documents->may_split() ? "plain text" : "instructions",
                    parts.front().name));
  }
}

}  // namespace

Mixture make_mixture(std::vector<MixturePart> parts, const MixtureSettings& settings) {
  check_alike(parts);
  check_buckets(settings.buckets);
  const Way way = way_of(parts);
  const uint64_t seed = settings.packs.seed;
  Mixture mixture;
  for (MixturePart& part : parts) part.documents = that_fit(part, settings, mixture.remarks);

  if (way == Way::kWeight) {
    std::vector<WeightedSource> sources;
    for (size_t i = 0; i < parts.size(); ++i) {
      sources.push_back({stream(parts[i].name, std::move(parts[i].documents), settings,
                                derived_seed(seed, kSeedOfPart, i), mixture.remarks),
                         parts[i].weight});
    }
    mixture.packs = std::make_unique<MixedPacks>(std::move(sources), derived_seed(seed, kSeedOfMixing, 0));
    return mixture;
  }
  const std::vector<uint64_t> counts = counts_of(parts, way);
  std::vector<Documents> chosen;
  std::string name;
  for (size_t i = 0; i < parts.size(); ++i) {
    chosen.push_back(drawn(parts[i].documents, counts[i], derived_seed(seed, kChoiceOfDocuments, i)));
    name += (name.empty() ? "" : "+") + parts[i].name;
  }
  mixture.packs = stream(name, join(std::move(chosen)), settings, seed, mixture.remarks);
  return mixture;
}

}  // namespace longscroll::data
