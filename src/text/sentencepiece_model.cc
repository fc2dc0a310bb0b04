#include "text/sentencepiece_model.h"

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.h"
#include "base/utf8.h"
#include "text/protobuf_wire.h"

namespace longscroll {
namespace {

// Field numbers of sentencepiece_model.proto.
enum ModelField : uint32_t { kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3, kDenormalizerSpec = 5 };
enum PieceField : uint32_t { kPiece = 1, kScore = 2, kType = 3 };
enum TrainerField : uint32_t {
  kModelType = 3,
  kVocabSize = 4,
  kWhitespaceAsSuffix = 24,
  kByteFallback = 35,
  kUnkId = 40,
  kBosId = 41,
  kEosId = 42,
  kPadId = 43,
  kUnkPiece = 45,
  kBosPiece = 46,
  kEosPiece = 47,
  kPadPiece = 48,
};
enum NormalizerField : uint32_t { kCharsmap = 2, kAddDummyPrefix = 3, kRemoveExtra = 4, kEscape = 5 };
constexpr uint64_t kUnigramModel = 1;
constexpr uint64_t kBpeModel = 2;

[[noreturn]] void bad_model(std::string_view where, const std::string& what) {
  throw Error(ErrorKind::kFile, std::string(where), what);
}

[[noreturn]] void unsupported(std::string_view where, std::string_view what) {
  throw Error(ErrorKind::kUnsupported, std::string(where),
              fmt::format("the SentencePiece model must be a plain BPE or unigram one, found {}", what));
}

struct Piece {
  std::string_view text;
  float score = 0;
  int32_t type = kSpmNormal;
};

Piece read_piece(std::string_view message, std::string_view where) {
  Piece piece;
  WireReader reader(message, where);
  for (WireField field; reader.next(field);) {
    if (field.number == kPiece) piece.text = field.bytes;
    if (field.number == kScore) piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.varint));
    if (field.number == kType) piece.type = static_cast<int32_t>(field.varint);
  }
  return piece;
}

std::string write_piece(const Piece& piece) {
  std::string out;
  put_bytes_field(out, kPiece, piece.text);
  put_float_field(out, kScore, piece.score);
  put_varint_field(out, kType, static_cast<uint64_t>(piece.type));
  return out;
}

void read_trainer_spec(std::string_view message, std::string_view where, SpmTables& tables) {
  uint64_t model = kUnigramModel;
  tables.unk = 0;  // the proto's defaults
  tables.bos = 1;
  tables.eos = 2;
  tables.pad = -1;
  WireReader reader(message, where);
  for (WireField field; reader.next(field);) {
    const auto id = static_cast<int32_t>(field.varint);
    switch (field.number) {
      case kModelType:
        model = field.varint;
        break;
      case kUnkId:
        tables.unk = id;
        break;
      case kBosId:
        tables.bos = id;
        break;
      case kEosId:
        tables.eos = id;
        break;
      case kPadId:
        tables.pad = id;
        break;
      case kWhitespaceAsSuffix:
        if (field.varint != 0) unsupported(where, "treat_whitespace_as_suffix");
        break;
      default:
        break;
    }
  }
  if (model != kUnigramModel && model != kBpeModel) unsupported(where, fmt::format("model type {}", model));
  tables.is_bpe = model == kBpeModel;
}

void read_normalizer_spec(std::string_view message, std::string_view where, SpmTables& tables) {
  WireReader reader(message, where);
  for (WireField field; reader.next(field);) {
    switch (field.number) {
      case kCharsmap:
        tables.precompiled_charsmap = field.bytes;
        break;
      case kAddDummyPrefix:
        tables.add_space_prefix = field.varint != 0;
        break;
      case kRemoveExtra:
        tables.remove_extra_whitespaces = field.varint != 0;
        break;
      case kEscape:
        if (field.varint == 0) unsupported(where, "escape_whitespaces off");
        break;
      default:
        break;
    }
  }
}

void check_no_denormalizer(std::string_view message, std::string_view where) {
  WireReader reader(message, where);
  for (WireField field; reader.next(field);) {
    if (field.number == kCharsmap && !field.bytes.empty()) unsupported(where, "a denormalizer");
  }
}

// Length of a run of spaces, in either spelling; 0 when the piece is something else.
size_t space_run(std::string_view piece) {
  size_t run = 0;
  while (!piece.empty()) {
    const size_t length = piece[0] == ' ' ? 1 : piece.starts_with(kSpaceSymbol) ? kSpaceSymbol.size() : 0;
    if (length == 0) return 0;
    piece.remove_prefix(length);
    ++run;
  }
  return run;
}

std::string escape_spaces(std::string_view piece) {
  std::string out;
  for (char c : piece) {
    if (c == ' ') {
      out += kSpaceSymbol;
    } else {
      out += c;
    }
  }
  return out;
}

void check_tables(const SpmTables& tables, std::string_view where) {
  const size_t count = tables.tokens.size();
  if (count == 0 || count > size_t{std::numeric_limits<TokenId>::max()} || tables.scores.size() != count ||
      tables.types.size() != count) {
    bad_model(where,
              fmt::format("the vocabulary must have one score and one type a token, found {} tokens, {} "
                          "scores, {} types",
                          count, tables.scores.size(), tables.types.size()));
  }
  for (size_t i = 0; i < count; ++i) {
    if (tables.types[i] < kSpmNormal || tables.types[i] > kSpmByte) {
      bad_model(where, fmt::format("token types must be 1 to 6, found {} for token {}", tables.types[i], i));
    }
  }
  for (int32_t id : {tables.unk, tables.bos, tables.eos, tables.pad}) {
    if (id < -1 || id >= static_cast<int64_t>(count)) {
      bad_model(where, fmt::format("the ids of the special tokens must be below {}, found {}", count, id));
    }
  }
}

std::string trainer_spec(const SpmTables& tables) {
  std::string out;
  const auto put_special = [&](uint32_t id_field, uint32_t piece_field, int32_t id) {
    put_varint_field(out, id_field,
                     static_cast<uint64_t>(int64_t{id}));  // negative: sign-extended, as protobuf does
    if (id >= 0) put_bytes_field(out, piece_field, tables.tokens[static_cast<size_t>(id)]);
  };
  put_varint_field(out, kModelType, tables.is_bpe ? kBpeModel : kUnigramModel);
  put_varint_field(out, kVocabSize, tables.tokens.size());
  const bool has_bytes = std::find(tables.types.begin(), tables.types.end(), kSpmByte) != tables.types.end();
  put_varint_field(out, kByteFallback, has_bytes);
  put_special(kUnkId, kUnkPiece, tables.unk);
  put_special(kBosId, kBosPiece, tables.bos);
  put_special(kEosId, kEosPiece, tables.eos);
  put_special(kPadId, kPadPiece, tables.pad);
  return out;
}

std::string normalizer_spec(const SpmTables& tables) {
  std::string out;
  if (!tables.precompiled_charsmap.empty()) put_bytes_field(out, kCharsmap, tables.precompiled_charsmap);
  put_varint_field(out, kAddDummyPrefix, tables.add_space_prefix);
  put_varint_field(out, kRemoveExtra, tables.remove_extra_whitespaces);
  put_varint_field(out, kEscape, 1);
  return out;
}

uint32_t unit_at(std::string_view units, size_t index) {
  uint32_t unit = 0;
  for (size_t i = 4; i-- > 0;) unit = unit << 8 | static_cast<uint8_t>(units[4 * index + i]);
  return unit;
}

}  // namespace

void check_charsmap(std::string_view charsmap, std::string_view where) {
  if (charsmap.empty()) return;
  const auto fail = [&](std::string_view found) {
    bad_model(where,
              fmt::format("the normaliser's table must be a whole trie and its texts, found {}", found));
  };
  if (charsmap.size() < 4) fail("its end inside the size");
  const size_t trie_size = unit_at(charsmap, 0);
  if (trie_size % 4 != 0 || trie_size < 1024 || trie_size > charsmap.size() - 4)
    fail("a size that cannot be");
  const std::string_view units = charsmap.substr(4, trie_size);
  const std::string_view texts = charsmap.substr(4 + trie_size);
  if (texts.empty() || texts.back() != '\0') fail("texts without an end");
  // Darts' double array: a node moves to (index ^ offset ^ byte); a unit with the top bit set is a leaf,
  // whose value is where its text begins.
  const size_t count = trie_size / 4;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t unit = unit_at(units, i);
    if (unit >> 31 != 0) {
      if ((unit & 0x7fffffffu) >= texts.size()) fail("a text beyond the end");
      continue;
    }
    const uint32_t offset = (unit >> 10) << ((unit & (1u << 9)) >> 6);
    if (((i ^ offset) | 0xff) >= count) fail("a node beyond the end");
  }
}

std::string sentencepiece_proto_from_tables(const SpmTables& tables, std::string_view where) {
  check_tables(tables, where);
  std::string out;
  for (size_t i = 0; i < tables.tokens.size(); ++i) {
    Piece piece{tables.tokens[i], tables.scores[i], tables.types[i]};
    std::string escaped;
    if (piece.type == kSpmUserDefined) {
      escaped = escape_spaces(piece.text);
      piece.text = escaped;
      if (const size_t run = space_run(piece.text); run > 1 && tables.is_bpe) {
        piece.type = kSpmNormal;
        piece.score = 1.0f / static_cast<float>(run);  // above all others (they are <= 0), short runs first
      }
    }
    if (static_cast<int64_t>(i) == tables.unk) piece.type = kSpmUnknown;
    put_bytes_field(out, kPieces, write_piece(piece));
  }
  put_bytes_field(out, kTrainerSpec, trainer_spec(tables));
  put_bytes_field(out, kNormalizerSpec, normalizer_spec(tables));
  return out;
}

SpmTables spm_tables_from_proto(std::string_view proto, std::string_view where) {
  SpmTables tables;
  tables.remove_extra_whitespaces = true;  // the proto's default
  bool has_trainer_spec = false;
  WireReader reader(proto, where);
  for (WireField field; reader.next(field);) {
    if (!field.is_bytes) continue;
    if (field.number == kPieces) {
      const Piece piece = read_piece(field.bytes, where);
      tables.tokens.emplace_back(piece.text);
      tables.scores.push_back(piece.score);
      tables.types.push_back(piece.type);
    } else if (field.number == kTrainerSpec) {
      read_trainer_spec(field.bytes, where, tables);
      has_trainer_spec = true;
    } else if (field.number == kNormalizerSpec) {
      read_normalizer_spec(field.bytes, where, tables);
    } else if (field.number == kDenormalizerSpec) {
      check_no_denormalizer(field.bytes, where);
    }
  }
  if (!has_trainer_spec)
    bad_model(where, "a SentencePiece model must have a trainer specification, found none");
  // Special tokens that the trainer was asked for but that the vocabulary lacks.
  const auto count = static_cast<int64_t>(tables.tokens.size());
  for (int32_t* id : {&tables.bos, &tables.eos, &tables.pad}) {
    if (*id >= count || *id < 0) *id = -1;
  }
  check_tables(tables, where);
  check_charsmap(tables.precompiled_charsmap, where);
  return tables;
}

std::string with_control_pieces(std::string_view proto, std::span<const TokenId> ids,
                                std::string_view where) {
  std::string out;
  TokenId id = 0;
  WireReader reader(proto, where);
  for (WireField field; reader.next(field);) {
    if (field.number != kPieces || !field.is_bytes) {
      out += field.raw;
      continue;
    }
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
      out += field.raw;
    } else {
      Piece piece = read_piece(field.bytes, where);
      piece.type = kSpmControl;
      put_bytes_field(out, kPieces, write_piece(piece));
    }
    ++id;
  }
  return out;
}

}  // namespace longscroll
