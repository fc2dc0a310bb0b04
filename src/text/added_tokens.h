// Tokens that are matched as whole strings in the text, before anything else looks at it.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token_id.h"

namespace longscroll {

// The fields of an entry of tokenizer.json's "added_tokens".
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = false;      // markup: matched only when the caller asks, dropped by decode
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space after it along
  bool normalized = false;   // matched in the normalised text instead of the raw text
  bool single_word = false;  // only between non-word characters (not supported)
};

// A piece of text: either plain, or one added token.
struct TextSegment {
  std::string_view text;
  std::optional<TokenId> token;
};

// Finds the leftmost, then longest, added tokens. Immutable after construction.
class AddedTokenMatcher {
 public:
  // Tokens with an empty content are left out.
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  // Cuts `text`, calling nothing for empty plain pieces. Special tokens count as plain text unless
  // `parse_special`; they still hide tokens that overlap them, as in the reference.
  std::vector<TextSegment> split(std::string_view text, bool parse_special) const;

  bool empty() const { return tokens_.empty(); }

 private:
  struct Match {
    size_t begin;
    size_t end;
    const AddedToken* token;
  };
  std::optional<Match> find(std::string_view text, size_t from) const;

  std::vector<AddedToken> tokens_;
  std::bitset<256> first_bytes_;
  // A byte trie: (node << 8 | byte) to the next node; the token that ends at a node, or -1.
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::vector<int32_t> ends_;
};

}  // namespace longscroll
