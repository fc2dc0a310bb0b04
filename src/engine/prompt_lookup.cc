#include "engine/prompt_lookup.h"

#include <algorithm>

namespace longscroll {

PromptLookup::PromptLookup(std::span<const TokenId> text, size_t room) : latest_(kSlots, kNone) {
  text_.reserve(text.size() + room);
  previous_.reserve(text.size() + room);
  for (const TokenId id : text) append(id);
}

size_t PromptLookup::slot(TokenId a, TokenId b) {
  const uint64_t pair = uint64_t{static_cast<uint32_t>(a)} << 32 | static_cast<uint32_t>(b);
  return static_cast<size_t>(pair * 0x9e3779b97f4a7c15u >> 49);  // Fibonacci hashing to kSlots
}

void PromptLookup::append(TokenId id) {
  text_.push_back(id);
  previous_.push_back(kNone);
  index_end();
}

void PromptLookup::index_end() {
  if (text_.size() < kShortest) return;
  const size_t last = text_.size() - 1;
  uint32_t& head = latest_[slot(text_[last - 1], text_[last])];
  previous_[last] = head;
  head = static_cast<uint32_t>(last);
}

PromptLookup::Match PromptLookup::find() const {
  Match best;
  if (text_.size() < kShortest) return best;
  const size_t last = text_.size() - 1;
  uint32_t at = previous_[last];
  for (size_t tries = 0; at != kNone && tries < kCandidates; ++tries, at = previous_[at]) {
    const size_t most = std::min<size_t>(kLongest, at + 1);
    size_t length = 0;
    while (length < most && text_[at - length] == text_[last - length]) ++length;
    if (length >= kShortest && length > best.length) best = {.next = at + 1u, .length = length};
    if (best.length == kLongest) break;
  }
  return best;
}

}  // namespace longscroll
