#include "engine/prompt_lookup.h"

#include <algorithm>
#include <utility>

namespace longscroll {

PromptLookup::PromptLookup(std::span<const TokenId> text, size_t room)
    : latest_(kSlots, kNone), latest_one_(kSlots, kNone) {
  text_.reserve(text.size() + room);
  previous_.reserve(text.size() + room);
  for (const TokenId id : text) append(id);
}

size_t PromptLookup::slot(TokenId a, TokenId b) {
  const uint64_t pair = uint64_t{static_cast<uint32_t>(a)} << 32 | static_cast<uint32_t>(b);
  return static_cast<size_t>(pair * 0x9e3779b97f4a7c15u >> 49);  // Fibonacci hashing to kSlots
}

void PromptLookup::append(TokenId id) {
  const auto last = static_cast<uint32_t>(text_.size());
  text_.push_back(id);
  same_id_ = std::exchange(latest_one_[slot(0, id)], last);
  previous_.push_back(last == 0 ? kNone : std::exchange(latest_[slot(text_[last - 1], id)], last));
}

size_t PromptLookup::agreement(size_t at) const {
  const size_t last = text_.size() - 1, most = std::min(kLongest, at + 1);
  size_t length = 0;
  while (length < most && text_[at - length] == text_[last - length]) ++length;
  return length;
}

PromptLookup::Match PromptLookup::find() const {
  Match best;
  if (text_.empty()) return best;
  uint32_t at = previous_.back();
  for (size_t tries = 0; at != kNone && tries < kCandidates; ++tries, at = previous_[at]) {
    const size_t length = agreement(at);
    if (length > std::max<size_t>(best.length, 1)) best = {.next = at + 1u, .length = length};
    if (best.length == kLongest) break;
  }
  if (best.length == 0 && same_id_ != kNone && agreement(same_id_) > 0)
    best = {.next = same_id_ + 1u, .length = 1};
  return best;
}

}  // namespace longscroll
