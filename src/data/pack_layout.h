// Which pieces of which documents lie in which pack of an epoch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "data/document_set.h"

namespace longscroll::data {

enum class PackingMode {
  // One document behind the other, cut every T positions: no padding but in the last pack; documents are cut
  // wherever a pack ends.
  kConcatenate,
  // Best-fit-decreasing (Ding et al., "Fewer truncations improve language modeling", arXiv 2404.10830): only
  // a document longer than T is cut, every T positions from its start; each piece, the longest first, goes
  // where it leaves the least room.
  kBestFit,
  // A piece a pack, padded.
  kPadded,
};

const char* to_string(PackingMode mode);  // "concatenate", "best-fit", "padded"
std::optional<PackingMode> packing_mode_from_name(std::string_view name);

// Positions [from, from + count) of a document.
struct Piece {
  uint32_t document = 0;
  uint64_t from = 0;
  uint64_t count = 0;
};

// One epoch: every position of every document, once. Immutable; safe to share between threads.
class PackLayout {
 public:
  virtual ~PackLayout() = default;
  virtual uint64_t packs() const = 0;
  virtual std::vector<Piece> pieces(uint64_t pack) const = 0;  // at most T positions in all
};

// A pure function of its arguments. The number of packs depends on neither seed nor epoch. Memory: about 12
// bytes a document. T = `window` positions, at least 1. Throws Error(kArgument) when documents may not be
// split and the mode would split one, naming it.
std::shared_ptr<const PackLayout> lay_out(const DocumentSet& documents, PackingMode mode, uint32_t window,
                                          uint64_t seed, uint64_t epoch);

}  // namespace longscroll::data
