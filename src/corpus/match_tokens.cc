#include "corpus/match_tokens.h"

#include <unicode/uchar.h>
#include <xxhash.h>

#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "corpus/words.h"

namespace longscroll::corpus {
namespace {

constexpr uint64_t kShingleMultiplier = 0xd6e8feb86659fd93u;  // odd: no bit of an earlier token is lost

uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdu;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53u;
  return value ^ (value >> 33);
}

// The folded form of what a token is made of; 0: it ends a token.
uint32_t folded(uint32_t c) {
  if (c < 0x80) {
    if (c >= 'A' && c <= 'Z') return c - 'A' + 'a';
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : 0;
  }
  constexpr uint32_t kInToken = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK;
  if ((U_GET_GC_MASK(static_cast<UChar32>(c)) & kInToken) == 0) return 0;
  return static_cast<uint32_t>(u_foldCase(static_cast<UChar32>(c), U_FOLD_CASE_DEFAULT));
}

class Collector {
 public:
  explicit Collector(MatchTokens& tokens) : tokens_(tokens) {
    tokens_.hashes.clear();
    tokens_.is_ideograph.clear();
    tokens_.begin.clear();
    tokens_.end.clear();
  }

  void add(uint32_t c, size_t begin) {
    if (token_.empty()) begin_ = begin;
    append_utf8(token_, c);
  }
  void finish(size_t end, bool is_ideograph) {
    if (token_.empty()) return;
    tokens_.hashes.push_back(XXH3_64bits(token_.data(), token_.size()));
    tokens_.is_ideograph.push_back(is_ideograph ? 1 : 0);
    tokens_.begin.push_back(static_cast<uint32_t>(begin_));
    tokens_.end.push_back(static_cast<uint32_t>(end));
    token_.clear();
  }

 private:
  MatchTokens& tokens_;
  std::string token_;
  size_t begin_ = 0;
};

}  // namespace

void match_tokens(std::string_view text, MatchTokens& tokens) {
  Collector collector(tokens);
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Char c = decode_utf8(text, at);
    if (is_ideograph(c.code_point)) {
      collector.finish(at, false);
      collector.add(c.code_point, at);
      collector.finish(at + c.length, true);
    } else if (const uint32_t part = folded(c.code_point)) {
      collector.add(part, at);
    } else {
      collector.finish(at, false);
    }
    at += c.length;
  }
  collector.finish(at, false);
}

void shingle_hashes(const MatchTokens& tokens, size_t n, std::vector<uint64_t>& hashes) {
  hashes.clear();
  if (tokens.size() == 0) return;
  n = std::min(n, tokens.size());
  uint64_t power = 1;  // what the token that leaves was multiplied by
  for (size_t i = 1; i < n; ++i) power *= kShingleMultiplier;
  uint64_t value = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i >= n) value -= power * tokens.hashes[i - n];
    value = value * kShingleMultiplier + tokens.hashes[i];
    if (i + 1 >= n) hashes.push_back(mixed(value));
  }
}

}  // namespace longscroll::corpus
