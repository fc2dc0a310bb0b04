#include "text/sentencepiece_tokenizer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "base/test_errors.h"
#include "text/protobuf_wire.h"

namespace longscroll {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void add(SpmTables& tables, std::string token, float score, int32_t type) {
  tables.tokens.push_back(std::move(token));
  tables.scores.push_back(score);
  tables.types.push_back(type);
}

// 0 <unk>, 1 <s>, 2 </s>, 3 <turn>, 4…259 bytes, then pieces.
SpmTables small_tables() {
  SpmTables tables;
  add(tables, "<unk>", 0, kSpmUnknown);
  add(tables, "<s>", 0, kSpmControl);
  add(tables, "</s>", 0, kSpmControl);
  add(tables, "<turn>", 0, kSpmUserDefined);
  for (int byte = 0; byte < 256; ++byte) add(tables, fmt::format("<0x{:02X}>", byte), 0, kSpmByte);
  float score = 0;
  for (const char* piece : {"\u2581a", "ab", "\u2581", "a", "b"}) add(tables, piece, score -= 1, kSpmNormal);
  tables.unk = 0;
  tables.bos = 1;
  tables.eos = 2;
  return tables;
}
constexpr TokenId kByte0 = 4, kSpaceA = 260, kAb = 261, kSpace = 262, kA = 263, kB = 264;

std::shared_ptr<const Tokenizer> make(const SpmTables& tables, SentencePieceOptions options = {}) {
  return make_sentencepiece_tokenizer(sentencepiece_proto_from_tables(tables, "test"), std::move(options),
                                      "test");
}

TEST(SentencePiece, TablesRunThroughTheLibrary) {
  const auto tokenizer = make(small_tables());
  EXPECT_THAT(tokenizer->encode("a ab"), ElementsAre(kSpaceA, kSpaceA, kB));
  EXPECT_THAT(tokenizer->encode("bab"), ElementsAre(kSpace, kB, kAb));
  EXPECT_THAT(tokenizer->encode("\xc3\xa9"), ElementsAre(kSpace, kByte0 + 0xc3, kByte0 + 0xa9));
  EXPECT_EQ(tokenizer->vocab_size(), 265u);
  EXPECT_EQ(tokenizer->kind(), "sentencepiece");
}

TEST(SentencePiece, DropsThePrefixSpaceOnlyAtTheStart) {
  const auto tokenizer = make(small_tables());
  EXPECT_EQ(tokenizer->decode({{kSpaceA, kSpaceA}}), "a a");
  EXPECT_EQ(tokenizer->decode({{kSpace, kSpaceA}}), " a");
  EXPECT_EQ(tokenizer->token_bytes(kSpaceA), " a");
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(kSpace), "");
  EXPECT_EQ(decoder.push(kSpaceA), " a");
}

TEST(SentencePiece, KeepsTheFirstSpaceWithoutAPrefix) {
  SpmTables tables = small_tables();
  tables.add_space_prefix = false;
  const auto tokenizer = make(tables);
  EXPECT_THAT(tokenizer->encode("ab"), ElementsAre(kAb));
  EXPECT_EQ(tokenizer->decode({{kSpaceA}}), " a");
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(kSpaceA), " a");
}

TEST(SentencePiece, ShowsEachInvalidByte) {
  const auto tokenizer = make(small_tables());
  EXPECT_EQ(tokenizer->decode({{kByte0 + 0xe4, kByte0 + 0xbd, kB}}),
            "\ufffd\ufffd"
            "b");
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(kByte0 + 0xe4), "");
  EXPECT_EQ(decoder.push(kByte0 + 0xbd), "");
  EXPECT_EQ(decoder.push(kB),
            "\ufffd\ufffd"
            "b");
}

TEST(SentencePiece, SpecialTokensOnlyWhenAskedFor) {
  const auto tokenizer = make(small_tables(), {.add_bos = true, .bos = 1});
  EXPECT_THAT(tokenizer->encode("</s>", {.add_special = false, .parse_special = true}), ElementsAre(2));
  EXPECT_THAT(tokenizer->encode("b", {}), ElementsAre(1, kSpace, kB));
  for (TokenId id : tokenizer->encode("</s><s><unk>", {.add_special = false})) EXPECT_GE(id, kByte0);
  EXPECT_EQ(tokenizer->decode({{1, kB, 2}}), "b");
  EXPECT_EQ(tokenizer->decode({{1, kB, 2}}, false), "<s>b</s>");
}

TEST(SentencePiece, MarkupNamedSpecialIsNeverMadeFromText) {
  EXPECT_THAT(make(small_tables())->encode("<turn>"), ElementsAre(kSpace, 3));
  const auto tokenizer = make(small_tables(), {.added = {{.id = 3, .content = "<turn>", .special = true}}});
  for (TokenId id : tokenizer->encode("<turn>")) EXPECT_NE(id, 3);
  EXPECT_THAT(tokenizer->encode("<turn>", {.parse_special = true}), ElementsAre(3));
  EXPECT_EQ(tokenizer->decode({{3}}), "");
}

TEST(SentencePiece, AddedTokensMayFollowThePieces) {
  const auto tokenizer = make(small_tables(), {.added = {{.id = 265, .content = "<x>"}}});
  EXPECT_EQ(tokenizer->vocab_size(), 266u);
  EXPECT_THAT(tokenizer->encode("b<x>"), ElementsAre(kSpace, kB, 265));
  EXPECT_EQ(tokenizer->decode({{265}}), "<x>");
}

TEST(SentencePiece, UserDefinedSpaceRunsMergeInPairsFirst) {
  SpmTables tables = small_tables();
  tables.add_space_prefix = false;
  add(tables, "  ", -1000, kSpmUserDefined);
  add(tables, "   ", -1000, kSpmUserDefined);
  const auto tokenizer = make(tables);
  EXPECT_THAT(tokenizer->encode("   a"), ElementsAre(266, kA));
  EXPECT_THAT(tokenizer->encode("    "), ElementsAre(265, 265));  // the longest match would give 3 + 1
  EXPECT_EQ(tokenizer->decode({{266}}), "   ");
}

TEST(SentencePiece, TablesSurviveTheProto) {
  const SpmTables tables = small_tables();
  const SpmTables back = spm_tables_from_proto(sentencepiece_proto_from_tables(tables, "t"), "t");
  EXPECT_EQ(back.tokens, tables.tokens);
  EXPECT_EQ(back.scores, tables.scores);
  EXPECT_EQ(back.types, tables.types);
  EXPECT_EQ(back.unk, 0);
  EXPECT_EQ(back.bos, 1);
  EXPECT_EQ(back.eos, 2);
  EXPECT_EQ(back.pad, -1);
  EXPECT_TRUE(back.is_bpe);
  EXPECT_TRUE(back.add_space_prefix);
  EXPECT_FALSE(back.remove_extra_whitespaces);
}

TEST(SentencePiece, EveryTruncationIsRefusedOrLoads) {
  const std::string proto = sentencepiece_proto_from_tables(small_tables(), "t");
  size_t refused = 0;
  for (size_t length = 0; length < proto.size(); length += 3) {
    const std::string found =
        error_of([&] { make_sentencepiece_tokenizer(std::string_view(proto).substr(0, length), {}, "t"); });
    if (found != "nothing thrown") ++refused;
  }
  // Only cuts between the trainer's and the end of the normaliser's part leave a whole model.
  EXPECT_GE(refused, proto.size() / 3 - 1);
}

TEST(SentencePiece, RefusesModelsThatContradictThemselves) {
  const auto fails_with = [](const std::function<void(SpmTables&)>& spoil, const std::string& message) {
    SpmTables tables = small_tables();
    spoil(tables);
    EXPECT_THAT(error_of([&] { make(tables); }), HasSubstr(message));
  };
  fails_with([](SpmTables& t) { t.scores.pop_back(); }, "must have one score and one type a token");
  fails_with([](SpmTables& t) { t.types[5] = 7; }, "token types must be 1 to 6, found 7 for token 5");
  fails_with([](SpmTables& t) { t.unk = 265; }, "must be below 265, found 265");
  fails_with([](SpmTables& t) { t.tokens[kB] = t.tokens[kA]; },
             "file: [test] the sentencepiece library must accept");
  fails_with([](SpmTables& t) { t.tokens[kB][0] = '\xff'; }, "pieces must be text in UTF-8");
  fails_with([](SpmTables& t) { t.types[10] = kSpmNormal; }, "the sentencepiece library must accept");
  EXPECT_THAT(error_of([] { make(small_tables(), {.add_bos = true}); }), HasSubstr("must name it"));
  EXPECT_THAT(error_of([] { make(small_tables(), {.bos = 265}); }),
              HasSubstr("BOS and EOS must be in the vocabulary"));
  EXPECT_THAT(error_of([] { make(small_tables(), {.added = {{.id = 900, .content = "x"}}}); }),
              HasSubstr("the id of the added token 'x' must be 0 to 265, found 900"));
}

TEST(SentencePiece, RefusesWhatItCannotDo) {
  std::string proto = sentencepiece_proto_from_tables(small_tables(), "t");
  std::string denormalizer;
  put_bytes_field(denormalizer, 2, "map");
  put_bytes_field(proto, 5, denormalizer);
  EXPECT_THAT(error_of([&] { spm_tables_from_proto(proto, "t"); }), HasSubstr("unsupported: [t]"));
}

TEST(SentencePiece, HostileNormaliserTablesAreRefused) {
  const auto map = [](std::vector<uint32_t> units, const std::string& texts, uint32_t size) {
    std::string out;
    units.insert(units.begin(), size);
    for (uint32_t unit : units) {
      for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(unit >> shift));
    }
    out += texts;
    return out;
  };
  const std::vector<uint32_t> units(256, 0);
  const std::string texts("x\0", 2);
  check_charsmap(map(units, texts, 1024), "t");
  std::vector<uint32_t> far = units;
  far[3] = 1u << 20;
  std::vector<uint32_t> leaf = units;
  leaf[3] = 1u << 31 | 2u;
  for (const std::string& bad : {map(units, texts, 1028), map(units, texts, 0), map(units, "x", 1024),
                                 map(far, texts, 1024), map(leaf, texts, 1024), std::string("abc")}) {
    EXPECT_THAT(error_of([&] { check_charsmap(bad, "t"); }), HasSubstr("the normaliser's table"));
  }
}

}  // namespace
}  // namespace longscroll
