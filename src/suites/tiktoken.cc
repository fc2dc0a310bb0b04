#include "suites/tiktoken.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "suites/data_files.h"
#include "text/bpe.h"
#include "text/byte_alphabet.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

// tiktoken's, but \z for its $, which means the very end there.
constexpr const char* kCl100kPattern =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++\z|\s*[\r\n]|\s+(?!\S)|\s)";

constexpr size_t kMostRanks = 1'000'000;
constexpr size_t kLongestToken = 1024;  // bytes

using Ranks = std::unordered_map<std::string, size_t>;

int base64_value(char c) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const size_t at = kAlphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  while (text.ends_with('=') && text.size() % 4 != 2) text.remove_suffix(1);
  std::string bytes;
  uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    held = (held << 6 | static_cast<uint32_t>(value)) & 0xFFFFU;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(held >> bits & 0xFFU);
    }
  }
  return bytes;
}

std::vector<std::string> read_tokens(std::string_view text, const fs::path& where) {
  std::vector<std::string> tokens;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t space = row.find(' ');
    if (space == std::string_view::npos)
      fail_at_line(where, line, "must be a token in base64, a space and its rank");
    std::optional<std::string> token = decode_base64(row.substr(0, space));
    if (!token || token->size() > kLongestToken)
      fail_at_line(where, line, "must begin with a token in base64");
    size_t rank = 0;
    const auto parsed = std::from_chars(row.data() + space + 1, row.data() + row.size(), rank);
    // Ranks are ids, and the files hold them in order.
    if (parsed.ec != std::errc() || parsed.ptr != row.data() + row.size() || rank != line - 1 ||
        rank >= kMostRanks) {
      fail_at_line(where, line,
                   fmt::format("must have the rank {}, found '{}'", line - 1, row.substr(space + 1)));
    }
    tokens.push_back(std::move(*token));
  }
  return tokens;
}

// The two tokens whose merge gives this one: what is left when it is encoded with the ranks below its own.
std::optional<std::pair<std::string, std::string>> last_merge(const std::string& token, size_t rank,
                                                              const Ranks& ranks) {
  std::vector<std::string> parts;
  for (const char c : token) parts.emplace_back(1, c);
  while (parts.size() > 2) {
    size_t best = std::numeric_limits<size_t>::max();
    size_t at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto it = ranks.find(parts[i] + parts[i + 1]);
      if (it != ranks.end() && it->second < rank && it->second < best) {
        best = it->second;
        at = i;
      }
    }
    if (best == std::numeric_limits<size_t>::max()) return std::nullopt;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  return std::pair{parts[0], parts[1]};
}

std::string spelled(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += byte_spellings()[static_cast<unsigned char>(c)];
  return text;
}

}  // namespace

std::shared_ptr<const Tokenizer> tokenizer_from_ranks(std::string_view text, const fs::path& where) {
  const std::vector<std::string> tokens = read_tokens(text, where);
  Ranks ranks;
  BpeTables tables;
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    if (!ranks.emplace(tokens[rank], rank).second)
      fail_at_line(where, rank + 1, "must be a token of its own");
    tables.tokens.push_back(spelled(tokens[rank]));
  }
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    if (tokens[rank].size() < 2) continue;
    const auto merge = last_merge(tokens[rank], rank, ranks);
    if (!merge) fail_at_line(where, rank + 1, "must be a token that the ones before it make up");
    tables.merges.push_back(spelled(merge->first) + " " + spelled(merge->second));
  }
  tables.split_patterns = {kCl100kPattern};
  tables.ignore_merges = true;
  return make_bpe_tokenizer(std::move(tables), where.string());
}

std::shared_ptr<const Tokenizer> read_ranks_file(const fs::path& path) {
  return tokenizer_from_ranks(read_data(path).bytes, path);
}

}  // namespace longscroll
