// How many guessed ids to check beside the next one: as many as pay, by what guesses and batches turned out
// to be so far, in answers before this one too. It decides about time alone; no id depends on it.
#pragma once

#include <array>
#include <cstddef>

#include "engine/prompt_lookup.h"
#include "kernels/kernels.h"

namespace longscroll {

class SpeculationGate {
 public:
  SpeculationGate();

  // A guess from `match_length` agreeing ids was right or wrong, whether or not it was checked in a batch.
  void note_guess(size_t match_length, bool right);
  // A pass over `tokens` ids took `seconds`.
  void note_pass(size_t tokens, double seconds);

  // Guesses to check, at most `most`; 0: one id alone is as fast. A guess after a right one agrees in one id
  // more than the one before. One guess where only a timing can tell what it costs: over a long text with
  // grouped heads half of a pass, elsewhere a tenth.
  size_t choose(size_t match_length, size_t most);

 private:
  struct Rate {
    double right = 0, all = 0;
  };
  using Costs = std::array<double, kFewTokens + 1>;  // of a pass over so many ids, that over one being 1

  double rate(size_t match_length) const;
  // The number of guesses that gives the most ids for what its pass costs.
  size_t best(size_t match_length, size_t most, const Costs& costs) const;

  std::array<Rate, PromptLookup::kLongest + 1> rates_;
  double alone_ = 0;                    // seconds of a pass over one id
  Costs usual_ = {};                    // where guesses are cheap
  Costs costs_ = {};                    // as timed
  size_t timed_alone_ = 0, timed_ = 0;  // passes over one id, over more
  size_t refused_ = 0;                  // times in a row that costs alone spoke against checking
};

}  // namespace longscroll
