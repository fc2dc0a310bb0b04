#include "text/sentencepiece_tokenizer.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <charconv>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace longscroll {
namespace {

constexpr std::string_view kReplacement = "\ufffd";

// "<0xE4>" to the byte.
std::optional<char> byte_of_piece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, value, 16);
  if (error != std::errc() || end != piece.data() + 5) return std::nullopt;
  return static_cast<char>(value);
}

std::string unescape_spaces(std::string_view piece) {
  std::string out;
  for (size_t pos = 0; pos < piece.size();) {
    if (piece.substr(pos).starts_with(kSpaceSymbol)) {
      out += ' ';
      pos += kSpaceSymbol.size();
    } else {
      out += piece[pos++];
    }
  }
  return out;
}

class SentencePieceTokenizer final : public Tokenizer {
 public:
  SentencePieceTokenizer(std::string_view proto, SentencePieceOptions options, std::string_view where);

  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const override;
  std::string decode(std::span<const TokenId> ids, bool skip_special) const override;
  std::string token_bytes(TokenId id, bool skip_special) const override;
  std::string show_bytes(std::string_view bytes) const override;
  bool drops_leading_space(TokenId id, int dropped) const override;
  size_t vocab_size() const override { return entries_.size(); }
  std::string_view kind() const override { return "sentencepiece"; }
  bool is_special(TokenId id) const override { return entry(id).special; }
  std::optional<TokenId> find_token(std::string_view text) const override;
  std::optional<TokenId> bos() const override { return options_.bos; }
  std::optional<TokenId> eos() const override { return options_.eos; }

 private:
  struct Entry {
    std::string bytes;
    bool special = false;
    bool space_symbol = false;  // begins with the escaped space
  };

  void index_pieces(const SpmTables& tables);
  void index_added(size_t pieces);
  void check_options() const;
  void load(std::string_view proto);
  const Entry& entry(TokenId id) const;
  void encode_plain(std::string_view text, std::vector<TokenId>& ids) const;

  SentencePieceOptions options_;
  std::string where_;
  sentencepiece::SentencePieceProcessor processor_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, TokenId> id_of_text_;
  std::optional<AddedTokenMatcher> matcher_;
  bool add_space_prefix_ = true;
  bool remove_extra_whitespaces_ = false;
};

SentencePieceTokenizer::SentencePieceTokenizer(std::string_view proto, SentencePieceOptions options,
                                               std::string_view where)
    : options_(std::move(options)), where_(where) {
  const SpmTables tables = spm_tables_from_proto(proto, where_);
  add_space_prefix_ = tables.add_space_prefix;
  remove_extra_whitespaces_ = tables.remove_extra_whitespaces;
  index_pieces(tables);
  index_added(tables.tokens.size());
  check_options();
  std::vector<TokenId> markup;
  for (size_t i = 0; i < tables.types.size(); ++i) {
    if (entries_[i].special && tables.types[i] != kSpmControl && tables.types[i] != kSpmUnknown) {
      markup.push_back(static_cast<TokenId>(i));
    }
  }
  load(markup.empty() ? std::string(proto) : with_control_pieces(proto, markup, where_));
}

void SentencePieceTokenizer::index_pieces(const SpmTables& tables) {
  entries_.resize(tables.tokens.size());
  std::vector<AddedToken> matched = options_.added;
  for (size_t i = 0; i < tables.tokens.size(); ++i) {
    const std::string& piece = tables.tokens[i];
    const auto id = static_cast<TokenId>(i);
    if (!is_valid_utf8(piece) || piece.find('\0') != std::string::npos) {
      throw Error(ErrorKind::kFile, where_,
                  fmt::format("pieces must be text in UTF-8, found otherwise for {}", i));
    }
    id_of_text_.try_emplace(piece, id);
    Entry& made = entries_[i];
    made.special = tables.types[i] == kSpmControl || tables.types[i] == kSpmUnknown;
    const std::optional<char> byte = tables.types[i] == kSpmByte ? byte_of_piece(piece) : std::nullopt;
    if (byte) {
      made.bytes.assign(1, *byte);
    } else if (made.special) {
      made.bytes = piece;
      matched.push_back({.id = id, .content = piece, .special = true});
    } else {
      made.bytes = unescape_spaces(piece);
      made.space_symbol = piece.starts_with(kSpaceSymbol);
    }
  }
  matcher_.emplace(std::move(matched));
}

void SentencePieceTokenizer::index_added(size_t pieces) {
  for (const AddedToken& token : options_.added) {
    const size_t limit = pieces + options_.added.size();
    if (token.id < 0 || static_cast<size_t>(token.id) >= limit) {
      throw Error(ErrorKind::kFile, where_,
                  fmt::format("the id of the added token '{}' must be 0 to {}, found {}", token.content,
                              limit - 1, token.id));
    }
    if (token.single_word) {
      throw Error(ErrorKind::kUnsupported, where_,
                  fmt::format("added tokens must not be 'single_word', found it on '{}'", token.content));
    }
    const auto index = static_cast<size_t>(token.id);
    if (index >= entries_.size()) entries_.resize(index + 1);
    if (index >= pieces || token.special) entries_[index] = {token.content, token.special, false};
    id_of_text_.try_emplace(token.content, token.id);
  }
}

void SentencePieceTokenizer::check_options() const {
  for (const std::optional<TokenId>& id : {options_.bos, options_.eos}) {
    if (id && (*id < 0 || static_cast<size_t>(*id) >= entries_.size())) {
      throw Error(
          ErrorKind::kFile, where_,
          fmt::format("BOS and EOS must be in the vocabulary of {} tokens, found {}", entries_.size(), *id));
    }
  }
  if ((options_.add_bos && !options_.bos) || (options_.add_eos && !options_.eos)) {
    throw Error(ErrorKind::kFile, where_, "a tokenizer that adds BOS or EOS must name it, found no id");
  }
}

void SentencePieceTokenizer::load(std::string_view proto) {
  const auto status = processor_.LoadFromSerializedProto({proto.data(), proto.size()});
  if (!status.ok()) {
    throw Error(
        ErrorKind::kFile, where_,
        fmt::format("the sentencepiece library must accept the model, it said: {}", status.ToString()));
  }
}

const SentencePieceTokenizer::Entry& SentencePieceTokenizer::entry(TokenId id) const {
  if (id < 0 || static_cast<size_t>(id) >= entries_.size()) {
    throw Error(ErrorKind::kArgument, where_,
                fmt::format("token ids must be 0 to {}, found {}", entries_.size() - 1, id));
  }
  return entries_[static_cast<size_t>(id)];
}

std::vector<TokenId> SentencePieceTokenizer::encode(std::string_view text,
                                                    const EncodeOptions& options) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = replace_invalid_utf8(text);
    text = repaired;
  }
  std::vector<TokenId> ids;
  if (options.add_special && options_.add_bos) ids.push_back(*options_.bos);
  for (const TextSegment& segment : matcher_->split(text, options.parse_special)) {
    if (segment.token) {
      ids.push_back(*segment.token);
    } else {
      encode_plain(segment.text, ids);
    }
  }
  if (options.add_special && options_.add_eos) ids.push_back(*options_.eos);
  return ids;
}

void SentencePieceTokenizer::encode_plain(std::string_view text, std::vector<TokenId>& ids) const {
  std::vector<int> pieces;
  const auto status = processor_.Encode({text.data(), text.size()}, &pieces);
  if (!status.ok()) {
    throw Error(
        ErrorKind::kUnsupported, where_,
        fmt::format("the sentencepiece library must encode the text, it said: {}", status.ToString()));
  }
  ids.insert(ids.end(), pieces.begin(), pieces.end());
}

bool SentencePieceTokenizer::drops_leading_space(TokenId id, int dropped) const {
  return entry(id).space_symbol && (remove_extra_whitespaces_ || (add_space_prefix_ && dropped == 0));
}

std::string SentencePieceTokenizer::show_bytes(std::string_view bytes) const {
  std::string text;
  for (size_t pos = 0; pos < bytes.size();) {
    const Utf8Char c = decode_utf8(bytes, pos);
    if (c.valid) {
      text += bytes.substr(pos, c.length);
    } else {
      for (uint32_t i = 0; i < c.length; ++i) text += kReplacement;
    }
    pos += c.length;
  }
  return text;
}

std::string SentencePieceTokenizer::decode(std::span<const TokenId> ids, bool skip_special) const {
  std::string bytes;
  int dropped = 0;
  for (TokenId id : ids) {
    const Entry& token = entry(id);
    if (skip_special && token.special) continue;
    const bool drop = bytes.empty() && drops_leading_space(id, dropped);
    bytes += std::string_view(token.bytes).substr(drop ? 1 : 0);
    dropped += drop;
  }
  return show_bytes(bytes);
}

std::string SentencePieceTokenizer::token_bytes(TokenId id, bool skip_special) const {
  const Entry& token = entry(id);
  return skip_special && token.special ? std::string() : token.bytes;
}

std::optional<TokenId> SentencePieceTokenizer::find_token(std::string_view text) const {
  const auto it = id_of_text_.find(std::string(text));
  return it == id_of_text_.end() ? std::nullopt : std::optional<TokenId>(it->second);
}

}  // namespace

std::shared_ptr<const Tokenizer> make_sentencepiece_tokenizer(std::string_view model_proto,
                                                              SentencePieceOptions options,
                                                              std::string_view where) {
  return std::make_shared<const SentencePieceTokenizer>(model_proto, std::move(options), where);
}

}  // namespace longscroll
