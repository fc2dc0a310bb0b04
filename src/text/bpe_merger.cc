#include "text/bpe_merger.h"

#include <bit>
#include <queue>

namespace longscroll {
namespace {

constexpr uint64_t kEmpty = ~uint64_t{0};  // no pair: ids are not negative
constexpr uint32_t kNone = ~uint32_t{0};

uint64_t pair_of(TokenId left, TokenId right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

size_t slot_of(uint64_t pair, size_t slots) {
  // Multiplicative hash: the top bits of the product depend on all bits of the pair.
  return static_cast<size_t>((pair * 0x9e3779b97f4a7c15ull) >> 20) & (slots - 1);
}

struct Candidate {
  uint32_t rank;
  uint32_t position;  // of the left symbol
  TokenId merged;
  uint64_t pair;
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : position > other.position;
  }
};

struct Link {
  uint32_t previous;
  uint32_t next;
};

}  // namespace

BpeMerger::BpeMerger(std::span<const BpeMerge> merges) {
  slots_.assign(std::bit_ceil(2 * merges.size() + 2), Slot{kEmpty, 0, 0});
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t pair = pair_of(merges[rank].left, merges[rank].right);
    size_t i = slot_of(pair, slots_.size());
    while (slots_[i].pair != kEmpty && slots_[i].pair != pair) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = {pair, static_cast<uint32_t>(rank), merges[rank].merged};
  }
}

const BpeMerger::Slot* BpeMerger::find(TokenId left, TokenId right) const {
  const uint64_t pair = pair_of(left, right);
  for (size_t i = slot_of(pair, slots_.size()); slots_[i].pair != kEmpty; i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i].pair == pair) return &slots_[i];
  }
  return nullptr;
}

void BpeMerger::merge(std::vector<TokenId>& symbols) const {
  if (symbols.size() < 2) return;
  std::vector<Link> links(symbols.size());
  std::vector<Candidate> heap;
  const auto offer = [&](uint32_t left, uint32_t right) {
    if (const Slot* slot = find(symbols[left], symbols[right])) {
      heap.push_back({slot->rank, left, slot->merged, slot->pair});
    }
  };
  const uint32_t count = static_cast<uint32_t>(symbols.size());
  for (uint32_t i = 0; i < count; ++i) {
    links[i] = {i == 0 ? kNone : i - 1, i + 1 == count ? kNone : i + 1};
    if (i + 1 < count) offer(i, i + 1);
  }
  std::priority_queue<Candidate> queue(std::less<Candidate>(), std::move(heap));
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    const uint32_t right = links[top.position].next;
    // Stale entries: a symbol of the pair was merged away meanwhile (-1) or has grown.
    if (right == kNone || symbols[top.position] < 0) continue;
    if (pair_of(symbols[top.position], symbols[right]) != top.pair) continue;
    symbols[top.position] = top.merged;
    symbols[right] = -1;
    const uint32_t after = links[right].next;
    links[top.position].next = after;
    if (after != kNone) links[after].previous = top.position;
    heap.clear();
    if (links[top.position].previous != kNone) offer(links[top.position].previous, top.position);
    if (after != kNone) offer(top.position, after);
    for (const Candidate& candidate : heap) queue.push(candidate);
  }
  std::erase(symbols, -1);
}

}  // namespace longscroll
