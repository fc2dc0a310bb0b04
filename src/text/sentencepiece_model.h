// SentencePiece's ModelProto to plain tables (what GGUF stores) and back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/token_id.h"

namespace longscroll {

inline constexpr std::string_view kSpaceSymbol = "\u2581";  // what pieces have for a space

// Kinds of pieces; ModelProto and GGUF's token_type use the same numbers.
enum SpmType : int32_t {
  kSpmNormal = 1,
  kSpmUnknown = 2,
  kSpmControl = 3,
  kSpmUserDefined = 4,
  kSpmUnused = 5,
  kSpmByte = 6,
};

struct SpmTables {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;  // SpmType
  bool add_space_prefix = true;
  bool remove_extra_whitespaces = false;
  std::string precompiled_charsmap;  // empty: text is taken as it is
  bool is_bpe = true;                // otherwise unigram
  int32_t unk = -1;                  // -1: none
  int32_t bos = -1;
  int32_t eos = -1;
  int32_t pad = -1;
};

// A ModelProto that the sentencepiece library loads. Two things are set straight on the way: the piece
// `unk` gets the type "unknown" (some GGUF files call it "control"), and user-defined runs of spaces
// become ordinary pieces that merge before all others, which is how Gemma's reference tokenizer treats
// them (they differ in runs that are longer than the longest such piece).
// Throws Error(kFile) when the tables contradict themselves.
std::string sentencepiece_proto_from_tables(const SpmTables& tables,
                                            std::string_view where = "tokenizer tables");

// Throws Error(kFile) when it is not a ModelProto, Error(kUnsupported) when its model is neither BPE nor
// unigram or it asks for a step that we do not do.
SpmTables spm_tables_from_proto(std::string_view proto, std::string_view where);

// The same proto with the named pieces made control pieces, so that text can never become them.
std::string with_control_pieces(std::string_view proto, std::span<const TokenId> ids, std::string_view where);

// Throws Error(kFile) unless the normaliser's table can be walked without leaving it: the library trusts it.
void check_charsmap(std::string_view charsmap, std::string_view where);

}  // namespace longscroll
