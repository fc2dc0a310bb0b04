// What documents are compared by: letters and digits alone, case folded, whatever stands between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace longscroll::corpus {

// A Han or kana character is a token; so is a run of other letters, digits and marks.
struct MatchTokens {
  std::vector<uint64_t> hashes;
  std::vector<uint8_t> is_ideograph;  // one for each
  std::vector<uint32_t> begin;        // of each in the text, bytes
  std::vector<uint32_t> end;

  size_t size() const { return hashes.size(); }
};

// Fills `tokens` anew. `text` is UTF-8 of less than 4 GiB.
void match_tokens(std::string_view text, MatchTokens& tokens);

// Hashes of n tokens in a row, one for each place; of fewer than n tokens, one hash of them all. Their order
// counts, their places do not.
void shingle_hashes(const MatchTokens& tokens, size_t n, std::vector<uint64_t>& hashes);

}  // namespace longscroll::corpus
