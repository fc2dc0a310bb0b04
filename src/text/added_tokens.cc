#include "text/added_tokens.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "base/utf8.h"

namespace longscroll {
namespace {

bool is_white_space(uint32_t code_point) {
  return u_isUWhiteSpace(static_cast<UChar32>(code_point)) != 0;
}

uint64_t edge(uint32_t node, char byte) {
  return uint64_t{node} << 8 | static_cast<uint8_t>(byte);
}

// Bytes of the Unicode white space at the start and at the end of a text.
size_t leading_white_space(std::string_view text) {
  size_t pos = 0;
  while (pos < text.size()) {
    const Utf8Char c = decode_utf8(text, pos);
    if (!is_white_space(c.code_point)) break;
    pos += c.length;
  }
  return pos;
}

size_t trailing_white_space(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t begin = end - 1;
    while (begin > 0 && end - begin < 4 && (static_cast<uint8_t>(text[begin]) & 0xc0) == 0x80) --begin;
    if (!is_white_space(decode_utf8(text, begin).code_point)) break;
    end = begin;
  }
  return text.size() - end;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.content.empty(); });
  ends_.assign(1, -1);
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& content = tokens_[i].content;
    first_bytes_.set(static_cast<uint8_t>(content[0]));
    uint32_t node = 0;
    for (char byte : content) {
      const auto [it, is_new] = edges_.try_emplace(edge(node, byte), static_cast<uint32_t>(ends_.size()));
      if (is_new) ends_.push_back(-1);
      node = it->second;
    }
    if (ends_[node] < 0) ends_[node] = static_cast<int32_t>(i);
  }
}

std::optional<AddedTokenMatcher::Match> AddedTokenMatcher::find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (!first_bytes_.test(static_cast<uint8_t>(text[begin]))) continue;
    std::optional<Match> longest;
    uint32_t node = 0;
    for (size_t pos = begin; pos < text.size(); ++pos) {
      const auto it = edges_.find(edge(node, text[pos]));
      if (it == edges_.end()) break;
      node = it->second;
      if (ends_[node] >= 0) longest = Match{begin, pos + 1, &tokens_[static_cast<size_t>(ends_[node])]};
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

std::vector<TextSegment> AddedTokenMatcher::split(std::string_view text, bool parse_special) const {
  std::vector<TextSegment> segments;
  size_t done = 0;
  size_t from = 0;
  while (const std::optional<Match> match = tokens_.empty() ? std::nullopt : find(text, from)) {
    from = match->end;
    if (match->token->special && !parse_special) continue;
    size_t begin = match->begin;
    size_t end = match->end;
    if (match->token->lstrip) begin -= trailing_white_space(text.substr(done, begin - done));
    if (match->token->rstrip) end += leading_white_space(text.substr(end));
    if (begin > done) segments.push_back({text.substr(done, begin - done), std::nullopt});
    segments.push_back({text.substr(begin, end - begin), match->token->id});
    done = from = end;
  }
  if (done < text.size()) segments.push_back({text.substr(done), std::nullopt});
  return segments;
}

}  // namespace longscroll
