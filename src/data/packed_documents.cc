#include "data/packed_documents.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/random_order.h"

namespace longscroll::data {
namespace {

constexpr uint32_t kPeriod = 4096;

// Largest remainders: whole numbers that add up to kPeriod, each less than 1 from its share.
std::vector<uint32_t> quotas_of(const std::vector<WeightedSource>& sources) {
  double sum = 0;
  for (const WeightedSource& source : sources) sum += source.weight;
  std::vector<uint32_t> quotas;
  std::vector<std::pair<double, size_t>> rests;
  for (size_t i = 0; i < sources.size(); ++i) {
    const double share = sources[i].weight / sum * kPeriod;
    quotas.push_back(static_cast<uint32_t>(share));
    rests.emplace_back(std::floor(share) - share, i);
  }
  std::sort(rests.begin(), rests.end());
  const uint32_t given = std::accumulate(quotas.begin(), quotas.end(), 0u);
  for (uint32_t i = 0; i < kPeriod - given; ++i) ++quotas[rests[i % rests.size()].second];
  return quotas;
}

void pad(Pack& pack, const PackSettings& settings) {
  if (pack.ids.size() == settings.window) return;
  pack.starts.push_back(static_cast<uint32_t>(pack.ids.size()));
  pack.ids.resize(settings.window, settings.pad_id);
  pack.targets.resize(settings.window, kIgnored);
}

}  // namespace

PackedDocuments::PackedDocuments(std::string name, Documents documents, const PackSettings& settings)
    : name_(std::move(name)), documents_(std::move(documents)), settings_(settings) {
  if (documents_->size() == 0) {
    throw Error(ErrorKind::kArgument, name_, "must have at least one document, found none");
  }
  packs_ = layout(0)->packs();
}

std::shared_ptr<const PackLayout> PackedDocuments::layout(uint64_t epoch) const {
  const std::lock_guard lock(mutex_);
  Kept& kept = kept_[epoch % kept_.size()];
  if (!kept.layout || kept.epoch != epoch) {
    kept.layout = nullptr;  // before the next one takes its memory
    kept.layout = lay_out(*documents_, settings_.mode, settings_.window, settings_.seed, epoch);
    kept.epoch = epoch;
  }
  return kept.layout;
}

std::vector<Piece> PackedDocuments::pieces(uint64_t index) const {
  return layout(index / packs_)->pieces(index % packs_);
}

Pack PackedDocuments::pack(uint64_t index) const {
  Pack pack;
  pack.ids.reserve(settings_.window);
  pack.targets.reserve(settings_.window);
  for (const Piece& piece : pieces(index)) documents_->append(piece.document, piece.from, piece.count, pack);
  pad(pack, settings_);
  return pack;
}

std::string PackedDocuments::describe(uint64_t index) const {
  std::string text = fmt::format("{} pack {} of epoch {}:", name_, index % packs_, index / packs_);
  uint64_t used = 0;
  const char* separator = " ";
  for (const Piece& piece : pieces(index)) {
    text += separator + documents_->name(piece.document);
    if (piece.count != documents_->positions(piece.document)) {
      text += fmt::format(" positions {} to {}", piece.from, piece.from + piece.count - 1);
    }
    used += piece.count;
    separator = ", ";
  }
  if (used < settings_.window) text += fmt::format(", {} of padding", settings_.window - used);
  return text;
}

MixedPacks::MixedPacks(std::vector<WeightedSource> sources, uint64_t seed)
    : sources_(std::move(sources)), seed_(seed) {
  for (const WeightedSource& source : sources_) {
    if (source.weight > 0 && std::isfinite(source.weight)) continue;
    throw Error(
        ErrorKind::kArgument, "weight",
        fmt::format("must be above 0 for every source once one has a weight, found {}", source.weight));
  }
  quotas_ = quotas_of(sources_);
  const auto least = std::min_element(quotas_.begin(), quotas_.end());
  if (*least == 0) {
    throw Error(ErrorKind::kArgument, "weight",
                fmt::format("must come to at least 1/{} of the sum, found less for {}", kPeriod,
                            sources_[static_cast<size_t>(least - quotas_.begin())].weight));
  }
}

MixedPacks::Choice MixedPacks::choose(uint64_t index) const {
  const uint64_t period = index / kPeriod;
  Random random(seed_, period);
  const std::vector<uint32_t> order = shuffled(kPeriod, random);
  // Slots of the period below the first quota are the first source's, and so on.
  const auto source_of = [&](uint32_t slot) {
    size_t source = 0;
    for (uint32_t end = quotas_[0]; slot >= end; end += quotas_[++source]) continue;
    return source;
  };
  const size_t source = source_of(order[index % kPeriod]);
  uint64_t before = period * quotas_[source];
  for (uint64_t i = 0; i < index % kPeriod; ++i) before += source_of(order[i]) == source ? 1 : 0;
  return {source, before};
}

Pack MixedPacks::pack(uint64_t index) const {
  const Choice choice = choose(index);
  return sources_[choice.source].packs->pack(choice.index);
}

std::string MixedPacks::describe(uint64_t index) const {
  const Choice choice = choose(index);
  return sources_[choice.source].packs->describe(choice.index);
}

}  // namespace longscroll::data
