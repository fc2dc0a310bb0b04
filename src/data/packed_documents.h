// Streams of packs: of one set of documents, and of several by their weights.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/document_set.h"
#include "data/pack.h"
#include "data/pack_layout.h"

namespace longscroll::data {

struct PackSettings {
  uint32_t window = 0;  // T, the positions of a pack
  PackingMode mode = PackingMode::kBestFit;
  uint64_t seed = 0;
  TokenId pad_id = 0;  // behind the last document of a pack that is not full; no loss there
};

// Epoch after epoch of all documents, laid out anew for each.
class PackedDocuments final : public PackSource {
 public:
  // `name` is the source's, for describe(). Throws as lay_out does; Error(kArgument) when there is no
  // document.
  PackedDocuments(std::string name, Documents documents, const PackSettings& settings);

  Pack pack(uint64_t index) const override;
  uint64_t packs_per_epoch() const override { return packs_; }
  std::string describe(uint64_t index) const override;

  // What pack number `index` is made of, in its order; a piece's document counts through the set.
  std::vector<Piece> pieces(uint64_t index) const;

 private:
  std::shared_ptr<const PackLayout> layout(uint64_t epoch) const;

  std::string name_;
  Documents documents_;
  PackSettings settings_;
  uint64_t packs_ = 0;

  // The layouts of the last two epochs asked for: a batch may reach from one epoch into the next.
  struct Kept {
    uint64_t epoch = 0;
    std::shared_ptr<const PackLayout> layout;
  };
  mutable std::mutex mutex_;
  mutable std::array<Kept, 2> kept_;
};

struct WeightedSource {
  std::unique_ptr<PackSource> packs;
  double weight = 0;  // above 0; of the sum of all
};

// Of each 4,096 packs, as many of each source as its weight asks for (to 1/4096), in an order drawn anew each
// time. A source begins its next epoch when its packs are used up, whatever the others do.
class MixedPacks final : public PackSource {
 public:
  // Throws Error(kArgument) when a weight is none, or so small that no pack would be taken.
  MixedPacks(std::vector<WeightedSource> sources, uint64_t seed);

  Pack pack(uint64_t index) const override;
  uint64_t packs_per_epoch() const override { return 0; }
  std::string describe(uint64_t index) const override;

 private:
  struct Choice {
    size_t source;
    uint64_t index;  // of the source's packs
  };
  Choice choose(uint64_t index) const;

  std::vector<WeightedSource> sources_;
  std::vector<uint32_t> quotas_;  // packs of each source in a period
  uint64_t seed_;
};

}  // namespace longscroll::data
