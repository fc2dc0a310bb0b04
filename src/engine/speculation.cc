#include "engine/speculation.h"

#include <algorithm>
#include <cassert>
#include <chrono>

namespace longscroll {

void PromptDrafter::append(TokenId id) {
  if (match_.length > 0) gate_.note_guess(match_.length, lookup_.text()[match_.next] == id);
  lookup_.append(id);
  match_ = lookup_.find();
}

size_t PromptDrafter::draft(std::span<TokenId> draft) {
  if (match_.length == 0) return 0;
  const std::span<const TokenId> followed = lookup_.text().subspan(match_.next);
  const size_t count = gate_.choose(match_.length, std::min(draft.size(), followed.size()));
  std::copy_n(followed.begin(), count, draft.begin());
  return count;
}

Continuation::Continuation(Session& session, Drafter* drafter)
    : session_(session), drafter_(drafter), length_(session.ids().size()) {}

Continuation::~Continuation() {
  session_.truncate(length_);
}

void Continuation::append(TokenId id, size_t wanted) {
  assert(!full());
  if (drafter_ != nullptr) drafter_->append(id);
  if (length_ < session_.ids().size() && session_.ids()[length_] == id) {
    ++counts_.accepted;
  } else {
    session_.truncate(length_);
    compute(id, wanted);
  }
  ++length_;
}

void Continuation::compute(TokenId id, size_t wanted) {
  std::array<TokenId, kFewTokens> ids = {id};
  size_t drafted = 0;
  if (drafter_ != nullptr) {
    const size_t room = std::min(session_.step_room() - 1, wanted > 0 ? wanted - 1 : 0);
    drafted = drafter_->draft(std::span(ids).subspan(1, room));
  }
  const auto start = std::chrono::steady_clock::now();
  session_.step(std::span(ids).first(1 + drafted));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (drafter_ != nullptr) drafter_->note_pass(1 + drafted, seconds.count());
  counts_.drafted += drafted;
  counts_.batches += drafted > 0 ? 1 : 0;
}

}  // namespace longscroll
