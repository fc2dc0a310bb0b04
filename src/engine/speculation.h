// Speculative decoding (arXiv 2211.17192) with guesses from the text itself: guessed ids go through the model
// in one pass with the id that is known, and those that turn out to be what was chosen are not computed
// again. What follows is chosen from the same logits, position by position, as without guesses: so are the
// ids.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "engine/prompt_lookup.h"
#include "engine/session.h"
#include "engine/speculation_gate.h"

namespace longscroll {

// Guesses what follows a text. What it says may be wrong: only time depends on it.
class Drafter {
 public:
  virtual ~Drafter() = default;
  virtual void append(TokenId id) = 0;  // the text goes on
  // The ids that may follow, into `draft`; how many there are.
  virtual size_t draft(std::span<TokenId> draft) = 0;
  virtual void note_pass(size_t /*tokens*/, double /*seconds*/) {}
};

// What followed the latest ids where they occurred before, as far as checking it pays.
class PromptDrafter : public Drafter {
 public:
  // `gate` has to outlive it; a session's own knows the answers before this one.
  PromptDrafter(std::span<const TokenId> prompt, size_t room, SpeculationGate& gate)
      : lookup_(prompt, room), gate_(gate), match_(lookup_.find()) {}

  void append(TokenId id) override;
  size_t draft(std::span<TokenId> draft) override;
  void note_pass(size_t tokens, double seconds) override { gate_.note_pass(tokens, seconds); }

 private:
  PromptLookup lookup_;
  SpeculationGate& gate_;
  PromptLookup::Match match_;  // of the text's end
};

struct SpeculationCounts {
  size_t drafted = 0;   // ids that were guessed and computed
  size_t accepted = 0;  // of these, the ones that were chosen
  size_t batches = 0;   // passes with guesses
};

// A session that goes on id by id, and may hold guesses behind the ids that were appended.
class Continuation {
 public:
  // `drafter` null: one id a pass.
  Continuation(Session& session, Drafter* drafter);
  ~Continuation();  // the session forgets guesses
  Continuation(const Continuation&) = delete;
  Continuation& operator=(const Continuation&) = delete;

  // Of what follows the ids so far.
  std::span<const float> logits() const { return session_.logits_after(length_ - 1); }
  bool full() const { return length_ == session_.max_length(); }

  // `wanted`: how many ids are to follow this one at most; no more are guessed. Not while full().
  void append(TokenId id, size_t wanted);

  const SpeculationCounts& counts() const { return counts_; }

 private:
  void compute(TokenId id, size_t wanted);

  Session& session_;
  Drafter* drafter_;
  size_t length_;  // tokens that are no guesses
  SpeculationCounts counts_;
};

}  // namespace longscroll
