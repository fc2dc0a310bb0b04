#include "data/pack_layout.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/random_order.h"

namespace longscroll::data {
namespace {

constexpr std::array<std::pair<PackingMode, const char*>, 3> kNames = {
    {{PackingMode::kConcatenate, "concatenate"},
     {PackingMode::kBestFit, "best-fit"},
     {PackingMode::kPadded, "padded"}}};

// What the seed is used for: streams that have nothing to do with each other.
enum OrderPurpose : uint64_t { kOrderOfDocuments = 1, kOrderOfPacks = 2 };

Random random_for(uint64_t seed, OrderPurpose purpose, uint64_t epoch) {
  return Random(seed, purpose, epoch);
}

std::vector<uint32_t> document_order(const DocumentSet& documents, uint64_t seed, uint64_t epoch) {
  Random random = random_for(seed, kOrderOfDocuments, epoch);
  return shuffled(documents.size(), random);
}

class ConcatenatedLayout final : public PackLayout {
 public:
  ConcatenatedLayout(const DocumentSet& documents, uint32_t window, uint64_t seed, uint64_t epoch)
      : window_(window), order_(document_order(documents, seed, epoch)) {
    ends_.reserve(order_.size());
    uint64_t end = 0;
    for (const uint32_t document : order_) ends_.push_back(end += documents.positions(document));
  }

  uint64_t packs() const override { return ends_.empty() ? 0 : (ends_.back() + window_ - 1) / window_; }

  std::vector<Piece> pieces(uint64_t pack) const override {
    std::vector<Piece> pieces;
    const uint64_t begin = pack * window_;
    const uint64_t end = std::min(begin + window_, ends_.back());
    auto at = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), begin) - ends_.begin());
    for (uint64_t position = begin; position < end; ++at) {
      const uint64_t document_begin = at == 0 ? 0 : ends_[at - 1];
      const uint64_t piece_end = std::min(end, ends_[at]);
      pieces.push_back({order_[at], position - document_begin, piece_end - position});
      position = piece_end;
    }
    return pieces;
  }

 private:
  uint64_t window_;
  std::vector<uint32_t> order_;
  std::vector<uint64_t> ends_;  // of each document of the order, in positions from the epoch's start
};

// A document's part number n: positions from n · T on, T of them or what is left.
struct Part {
  uint32_t document;
  uint32_t number;
};

// Puts parts into packs, and counts what each pack holds.
class PartLayout final : public PackLayout {
 public:
  PartLayout(const DocumentSet& documents, uint32_t window, std::vector<Part> parts,
             std::vector<uint32_t> packs, std::vector<uint32_t> order)
      : window_(window), begins_(order.size() + 1), parts_(parts.size()), counts_(parts.size()) {
    std::vector<uint32_t> place(order.size());  // of a pack among all
    for (uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
    for (const uint32_t pack : packs) ++begins_[place[pack] + 1];
    for (size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
    std::vector<uint32_t> next(begins_.begin(), begins_.end() - 1);
    for (size_t i = 0; i < parts.size(); ++i) {
      const uint32_t at = next[place[packs[i]]]++;
      parts_[at] = parts[i];
      const uint64_t rest = documents.positions(parts[i].document) - uint64_t{parts[i].number} * window;
      counts_[at] = static_cast<uint32_t>(std::min<uint64_t>(rest, window));
    }
  }

  uint64_t packs() const override { return begins_.size() - 1; }

  std::vector<Piece> pieces(uint64_t pack) const override {
    std::vector<Piece> pieces;
    for (uint32_t i = begins_[pack]; i < begins_[pack + 1]; ++i) {
      pieces.push_back({parts_[i].document, uint64_t{parts_[i].number} * window_, counts_[i]});
    }
    return pieces;
  }

 private:
  uint32_t window_;
  std::vector<uint32_t> begins_;  // of each pack in parts_, and the end
  std::vector<Part> parts_;
  std::vector<uint32_t> counts_;
};

// Packs with room left, found by it.
class Rooms {
 public:
  explicit Rooms(uint32_t window) : by_room_(window) {}

  // The pack with the least room that is enough, or a new one, numbered from 0.
  uint32_t place(uint32_t count) {
    const auto fit = rooms_.lower_bound(count);
    if (fit == rooms_.end()) return keep(packs_++, static_cast<uint32_t>(by_room_.size()) - count);
    const uint32_t room = *fit;
    std::vector<uint32_t>& packs = by_room_[room];
    const uint32_t pack = packs.back();
    packs.pop_back();
    if (packs.empty()) rooms_.erase(fit);
    return keep(pack, room - count);
  }
  uint32_t packs() const { return packs_; }

 private:
  uint32_t keep(uint32_t pack, uint32_t room) {
    if (room > 0) {
      if (by_room_[room].empty()) rooms_.insert(room);
      by_room_[room].push_back(pack);
    }
    return pack;
  }

  std::vector<std::vector<uint32_t>> by_room_;  // a pack that holds anything has less room than the window
  std::set<uint32_t> rooms_;                    // those that some pack has
  uint32_t packs_ = 0;
};

std::vector<Part> cut_into_parts(const DocumentSet& documents, const std::vector<uint32_t>& order,
                                 uint32_t window) {
  std::vector<Part> parts;
  parts.reserve(order.size());
  for (const uint32_t document : order) {
    const uint64_t count = (documents.positions(document) + window - 1) / window;
    if (parts.size() + count > std::numeric_limits<uint32_t>::max()) {
      throw Error(
          ErrorKind::kUnsupported, "packing",
          fmt::format("must cut the documents into less than 2^32 pieces, found more with a window of {}",
                      window),
          "train on a part of the corpus at a time");
    }
    for (uint32_t number = 0; number < count; ++number) parts.push_back({document, number});
  }
  return parts;
}

// The longest first; of one length in the order in which they came.
void sort_by_length(const DocumentSet& documents, uint32_t window, std::vector<Part>& parts) {
  const auto length = [&](const Part& part) {
    return std::min<uint64_t>(window, documents.positions(part.document) - uint64_t{part.number} * window);
  };
  std::vector<size_t> next(size_t{window} + 1);  // by length, counted from the window down
  for (const Part& part : parts) ++next[window - length(part)];
  size_t before = 0;
  for (size_t& count : next) before += std::exchange(count, before);
  std::vector<Part> sorted(parts.size());
  for (const Part& part : parts) sorted[next[window - length(part)]++] = part;
  parts = std::move(sorted);
}

std::shared_ptr<const PackLayout> lay_out_parts(const DocumentSet& documents, PackingMode mode,
                                                uint32_t window, uint64_t seed, uint64_t epoch) {
  std::vector<Part> parts = cut_into_parts(documents, document_order(documents, seed, epoch), window);
  std::vector<uint32_t> packs(parts.size());
  uint32_t count = 0;
  if (mode == PackingMode::kPadded) {
    for (uint32_t& pack : packs) pack = count++;
  } else {
    sort_by_length(documents, window, parts);
    Rooms rooms(window);
    for (size_t i = 0; i < parts.size(); ++i) {
      const uint64_t rest = documents.positions(parts[i].document) - uint64_t{parts[i].number} * window;
      packs[i] = rooms.place(static_cast<uint32_t>(std::min<uint64_t>(rest, window)));
    }
    count = rooms.packs();
  }
  Random random = random_for(seed, kOrderOfPacks, epoch);
  return std::make_shared<PartLayout>(documents, window, std::move(parts), std::move(packs),
                                      shuffled(count, random));
}

void check_indivisible(const DocumentSet& documents, PackingMode mode, uint32_t window) {
  if (documents.may_split()) return;
  if (mode == PackingMode::kConcatenate) {
    throw Error(ErrorKind::kArgument, "packing",
                "must be best-fit or padded for instructions, which are never cut; found concatenate");
  }
  for (uint32_t document = 0; document < documents.size(); ++document) {
    if (documents.positions(document) <= window) continue;
    throw Error(ErrorKind::kArgument, documents.name(document),
                fmt::format("must fit into the window of {}, found {} tokens", window,
                            documents.positions(document) + 1),
                "a longer window, or leave out what does not fit");
  }
}

}  // namespace

const char* to_string(PackingMode mode) {
  for (const auto& [named, name] : kNames) {
    if (named == mode) return name;
  }
  return "unknown";
}

std::optional<PackingMode> packing_mode_from_name(std::string_view name) {
  for (const auto& [mode, named] : kNames) {
    if (name == named) return mode;
  }
  return std::nullopt;
}

std::shared_ptr<const PackLayout> lay_out(const DocumentSet& documents, PackingMode mode, uint32_t window,
                                          uint64_t seed, uint64_t epoch) {
  assert(window > 0);
  check_indivisible(documents, mode, window);
  if (mode == PackingMode::kConcatenate) {
    return std::make_shared<ConcatenatedLayout>(documents, window, seed, epoch);
  }
  return lay_out_parts(documents, mode, window, seed, epoch);
}

}  // namespace longscroll::data
