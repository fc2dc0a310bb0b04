#include "text/bpe.h"

#include <fmt/format.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uniset.h>

#include <array>
#include <cassert>
#include <functional>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "text/bpe_merger.h"
#include "text/byte_alphabet.h"
#include "text/pre_tokenizers.h"
#include "text/regex_splitter.h"

namespace longscroll {
namespace {

// Words repeat; longer ones than this are not worth a cache entry.
constexpr size_t kLongestCachedWord = 64;

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using IdOfText = std::unordered_map<std::string, TokenId, StringHash, std::equal_to<>>;

[[noreturn]] void bad_table(std::string_view where, const std::string& what) {
  throw Error(ErrorKind::kFile, std::string(where), what);
}

// The reference normalises by Unicode 9: a mark that came later is no mark to it, so it neither moves nor
// joins. The set is frozen, hence safe to share.
const icu::UnicodeSet& unicode_9() {
  static const icu::UnicodeSet set = [] {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeSet made(icu::UnicodeString::fromUTF8("[:age=9.0:]"), status);
    assert(U_SUCCESS(status) && !made.isEmpty());
    made.freeze();
    return made;
  }();
  return set;
}

std::string to_nfc(std::string_view text, std::string_view where) {
  if (text.size() > size_t{std::numeric_limits<int32_t>::max()}) {
    throw Error(ErrorKind::kUnsupported, std::string(where),
                fmt::format("a text to normalise must be under 2 GiB, found {} bytes", text.size()));
  }
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  std::string out;
  if (U_SUCCESS(status)) {
    icu::StringByteSink<std::string> sink(&out, static_cast<int32_t>(text.size()));
    const icu::FilteredNormalizer2 filtered(*nfc, unicode_9());
    filtered.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink, nullptr,
                           status);
  }
  if (U_FAILURE(status)) {
    throw Error(ErrorKind::kResource, std::string(where),
                fmt::format("ICU must be able to normalise the text, found: {}", u_errorName(status)));
  }
  return out;
}

class BpeTokenizer final : public Tokenizer {
 public:
  BpeTokenizer(BpeTables tables, std::string_view where);

  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(std::span<const TokenId> ids, bool skip_special) const override;
  std::string token_bytes(TokenId id, bool skip_special) const override;
  size_t vocab_size() const override { return tables_.tokens.size(); }
  std::string_view kind() const override { return "bpe"; }
  bool is_special(TokenId id) const override { return special_[index_of(id)]; }
  std::optional<TokenId> find_token(std::string_view text) const override;
  std::optional<TokenId> bos() const override { return tables_.bos; }
  std::optional<TokenId> eos() const override { return tables_.eos; }

 private:
  using Cache = std::unordered_map<std::string_view, std::vector<TokenId>>;

  void check_ids() const;
  void index_tokens();
  std::vector<BpeMerge> parse_merges() const;
  size_t index_of(TokenId id) const;
  void encode_plain(std::string_view text, bool parse_special, std::vector<TokenId>& ids) const;
  void encode_words(std::string_view text, std::vector<TokenId>& ids) const;
  std::vector<TokenId> encode_word(std::string_view word) const;

  BpeTables tables_;
  std::string where_;
  std::vector<RegexSplitter> splitters_;
  IdOfText id_of_text_;                  // stored spelling
  IdOfText id_of_word_;                  // bytes, for ignore_merges only
  std::array<TokenId, 256> byte_ids_{};  // -1: the vocabulary lacks the byte
  std::vector<std::string> bytes_;       // of each token
  std::vector<bool> special_;
  std::optional<BpeMerger> merger_;
  AddedTokenMatcher raw_added_;
  AddedTokenMatcher normalized_added_;
};

std::vector<AddedToken> added_where(const std::vector<AddedToken>& tokens, bool normalized) {
  std::vector<AddedToken> chosen;
  for (const AddedToken& token : tokens) {
    if (token.normalized == normalized) chosen.push_back(token);
  }
  return chosen;
}

BpeTokenizer::BpeTokenizer(BpeTables tables, std::string_view where)
    : tables_(std::move(tables)),
      where_(where),
      raw_added_(added_where(tables_.added, false)),
      normalized_added_(added_where(tables_.added, true)) {
  if (!tables_.pre.empty()) apply_named_pre_tokenizer(tables_, where_);
  for (const std::string& pattern : tables_.split_patterns) splitters_.emplace_back(pattern, where_);
  check_ids();
  index_tokens();
  merger_.emplace(parse_merges());
}

void BpeTokenizer::check_ids() const {
  const size_t count = tables_.tokens.size();
  if (count == 0 || count > size_t{std::numeric_limits<TokenId>::max()}) {
    bad_table(where_, fmt::format("the vocabulary must hold 1 to 2^31-1 tokens, found {}", count));
  }
  const auto check = [&](TokenId id, std::string_view what) {
    if (id < 0 || static_cast<size_t>(id) >= count) {
      bad_table(where_, fmt::format("the id of {} must be in the vocabulary of {} tokens, found {}", what,
                                    count, id));
    }
  };
  if (tables_.bos) check(*tables_.bos, "BOS");
  if (tables_.eos) check(*tables_.eos, "EOS");
  if (tables_.add_bos && !tables_.bos)
    bad_table(where_, "a tokenizer that adds BOS must name it, found no BOS id");
  if (tables_.add_eos && !tables_.eos)
    bad_table(where_, "a tokenizer that adds EOS must name it, found no EOS id");
  for (const AddedToken& token : tables_.added) {
    check(token.id, fmt::format("the added token '{}'", token.content));
    if (token.single_word) {
      throw Error(ErrorKind::kUnsupported, where_,
                  fmt::format("added tokens must not be 'single_word', found it on '{}'", token.content));
    }
  }
}

void BpeTokenizer::index_tokens() {
  const size_t count = tables_.tokens.size();
  std::vector<bool> added(count);
  special_.assign(count, false);
  bytes_.resize(count);
  byte_ids_.fill(-1);
  for (const AddedToken& token : tables_.added) {
    added[static_cast<size_t>(token.id)] = true;
    if (token.special) special_[static_cast<size_t>(token.id)] = true;
  }
  id_of_text_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const std::string& spelling = tables_.tokens[i];
    // The reference maps a token back to bytes when all of it is in the alphabet, added or not.
    std::optional<std::string> bytes = bytes_of_spelling(spelling);
    if (bytes && !added[i]) {
      if (bytes->size() == 1) byte_ids_[static_cast<uint8_t>((*bytes)[0])] = static_cast<TokenId>(i);
      if (tables_.ignore_merges) id_of_word_.try_emplace(*bytes, static_cast<TokenId>(i));
    }
    bytes_[i] = std::move(bytes).value_or(spelling);
    if (!spelling.empty()) id_of_text_.try_emplace(spelling, static_cast<TokenId>(i));
  }
}

std::vector<BpeMerge> BpeTokenizer::parse_merges() const {
  const auto id_of = [&](std::string_view spelling, const std::string& merge) {
    const auto it = id_of_text_.find(spelling);
    if (it == id_of_text_.end()) {
      bad_table(where_,
                fmt::format("merges must be of tokens, '{}' in the merge '{}' is none", spelling, merge));
    }
    return it->second;
  };
  std::vector<BpeMerge> merges;
  merges.reserve(tables_.merges.size());
  for (const std::string& merge : tables_.merges) {
    const size_t space = merge.find(' ');
    if (space == std::string::npos || merge.find(' ', space + 1) != std::string::npos) {
      bad_table(where_, fmt::format("a merge must be two tokens with one space between, found '{}'", merge));
    }
    const std::string_view left = std::string_view(merge).substr(0, space);
    const std::string_view right = std::string_view(merge).substr(space + 1);
    merges.push_back(
        {id_of(left, merge), id_of(right, merge), id_of(std::string(left) + std::string(right), merge)});
  }
  return merges;
}

size_t BpeTokenizer::index_of(TokenId id) const {
  if (id < 0 || static_cast<size_t>(id) >= tables_.tokens.size()) {
    throw Error(ErrorKind::kArgument, where_,
                fmt::format("token ids must be 0 to {}, found {}", tables_.tokens.size() - 1, id));
  }
  return static_cast<size_t>(id);
}

std::vector<TokenId> BpeTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = replace_invalid_utf8(text);
    text = repaired;
  }
  std::vector<TokenId> ids;
  if (options.add_special && tables_.add_bos) ids.push_back(*tables_.bos);
  for (const TextSegment& segment : raw_added_.split(text, options.parse_special)) {
    if (segment.token) {
      ids.push_back(*segment.token);
    } else if (tables_.nfc) {
      encode_plain(to_nfc(segment.text, where_), options.parse_special, ids);
    } else {
      encode_plain(segment.text, options.parse_special, ids);
    }
  }
  if (options.add_special && tables_.add_eos) ids.push_back(*tables_.eos);
  return ids;
}

void BpeTokenizer::encode_plain(std::string_view text, bool parse_special, std::vector<TokenId>& ids) const {
  for (const TextSegment& segment : normalized_added_.split(text, parse_special)) {
    if (segment.token) {
      ids.push_back(*segment.token);
    } else if (tables_.add_prefix_space && segment.text[0] != ' ') {
      std::string prefixed(1, ' ');
      prefixed += segment.text;
      encode_words(prefixed, ids);
    } else {
      encode_words(segment.text, ids);
    }
  }
}

void BpeTokenizer::encode_words(std::string_view text, std::vector<TokenId>& ids) const {
  std::vector<std::string_view> words{text};
  for (const RegexSplitter& splitter : splitters_) words = splitter.split(words);
  Cache cache;
  for (std::string_view word : words) {
    if (word.size() > kLongestCachedWord) {
      const std::vector<TokenId> word_ids = encode_word(word);
      ids.insert(ids.end(), word_ids.begin(), word_ids.end());
      continue;
    }
    const auto [it, is_new] = cache.try_emplace(word);
    if (is_new) it->second = encode_word(word);
    ids.insert(ids.end(), it->second.begin(), it->second.end());
  }
}

std::vector<TokenId> BpeTokenizer::encode_word(std::string_view word) const {
  if (tables_.ignore_merges) {
    const auto it = id_of_word_.find(word);
    if (it != id_of_word_.end()) return {it->second};
  }
  std::vector<TokenId> symbols;
  symbols.reserve(word.size());
  for (char byte : word) {
    // Like the reference, a byte that the vocabulary lacks leaves no token.
    const TokenId id = byte_ids_[static_cast<uint8_t>(byte)];
    if (id >= 0) symbols.push_back(id);
  }
  merger_->merge(symbols);
  return symbols;
}

std::string BpeTokenizer::decode(std::span<const TokenId> ids, bool skip_special) const {
  std::string bytes;
  for (TokenId id : ids) {
    const size_t i = index_of(id);
    if (!skip_special || !special_[i]) bytes += bytes_[i];
  }
  return replace_invalid_utf8(bytes);
}

std::string BpeTokenizer::token_bytes(TokenId id, bool skip_special) const {
  const size_t i = index_of(id);
  return skip_special && special_[i] ? std::string() : bytes_[i];
}

std::optional<TokenId> BpeTokenizer::find_token(std::string_view text) const {
  const auto it = id_of_text_.find(text);
  return it == id_of_text_.end() ? std::nullopt : std::optional<TokenId>(it->second);
}

}  // namespace

std::shared_ptr<const Tokenizer> make_bpe_tokenizer(BpeTables tables, std::string_view where) {
  return std::make_shared<const BpeTokenizer>(std::move(tables), where);
}

}  // namespace longscroll
