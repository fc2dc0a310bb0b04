#include "text/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "base/test_errors.h"
#include "text/byte_alphabet.h"

namespace longscroll {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Ids 0…255 are the bytes; then what the tests add.
BpeTables byte_tables() {
  BpeTables tables;
  tables.tokens.assign(byte_spellings().begin(), byte_spellings().end());
  tables.pre = "gpt-2";
  return tables;
}

TokenId add_merge(BpeTables& tables, const std::string& left, const std::string& right) {
  tables.merges.push_back(left + " " + right);
  tables.tokens.push_back(left + right);
  return static_cast<TokenId>(tables.tokens.size() - 1);
}

TokenId add_token(BpeTables& tables, const std::string& content, bool special) {
  const auto id = static_cast<TokenId>(tables.tokens.size());
  tables.tokens.push_back(content);
  tables.added.push_back({.id = id, .content = content, .special = special});
  return id;
}

std::vector<TokenId> bytes_of(std::string_view text) {
  std::vector<TokenId> ids;
  for (char c : text) ids.push_back(static_cast<uint8_t>(c));
  return ids;
}

TEST(Bpe, BestRankedMergeFirstThenLeftmost) {
  BpeTables tables = byte_tables();
  const TokenId bc = add_merge(tables, "b", "c");
  add_merge(tables, "a", "b");
  const TokenId aa = add_merge(tables, "a", "a");
  const auto tokenizer = make_bpe_tokenizer(tables, "test");
  EXPECT_THAT(tokenizer->encode("abc"), ElementsAre('a', bc));
  EXPECT_THAT(tokenizer->encode("aaa"), ElementsAre(aa, 'a'));
}

TEST(Bpe, MergesOfMerges) {
  BpeTables tables = byte_tables();
  add_merge(tables, "a", "b");
  const TokenId abab = add_merge(tables, "ab", "ab");
  EXPECT_THAT(make_bpe_tokenizer(tables, "test")->encode("ababab"), ElementsAre(abab, abab - 1));
}

TEST(Bpe, SplitsWordsBeforeMerging) {
  BpeTables tables = byte_tables();
  add_merge(tables, "a", "Ġ");  // would join across the word boundary
  EXPECT_EQ(make_bpe_tokenizer(tables, "test")->encode("a a"), bytes_of("a a"));
}

TEST(Bpe, SmollmSplitsEveryDigit) {
  BpeTables tables = byte_tables();
  const TokenId one_two = add_merge(tables, "1", "2");
  EXPECT_THAT(make_bpe_tokenizer(tables, "test")->encode("12"), ElementsAre(one_two));
  tables.pre = "smollm";
  EXPECT_THAT(make_bpe_tokenizer(tables, "test")->encode("12"), ElementsAre('1', '2'));
}

TEST(Bpe, LlamaTakesAWholeWordThatIsAToken) {
  BpeTables tables = byte_tables();
  tables.tokens.emplace_back("abc");
  EXPECT_EQ(make_bpe_tokenizer(tables, "test")->encode("abc"), bytes_of("abc"));
  tables.pre = "llama-bpe";
  EXPECT_THAT(make_bpe_tokenizer(tables, "test")->encode("abc"), ElementsAre(256));
}

TEST(Bpe, Qwen2ComposesCharacters) {
  BpeTables tables = byte_tables();
  tables.pre = "qwen2";
  EXPECT_EQ(make_bpe_tokenizer(tables, "test")->encode("e\u0301"), bytes_of("\u00e9"));
}

TEST(Bpe, SpecialTokensOnlyWhenAskedFor) {
  BpeTables tables = byte_tables();
  const TokenId end = add_token(tables, "<|im_end|>", true);
  const auto tokenizer = make_bpe_tokenizer(tables, "test");
  EXPECT_EQ(tokenizer->encode("<|im_end|>"), bytes_of("<|im_end|>"));
  EXPECT_THAT(tokenizer->encode("a<|im_end|>", {.parse_special = true}), ElementsAre('a', end));
  EXPECT_TRUE(tokenizer->is_special(end));
  EXPECT_EQ(tokenizer->find_token("<|im_end|>"), end);
  EXPECT_EQ(tokenizer->decode({{'a', end}}), "a");
  EXPECT_EQ(tokenizer->decode({{'a', end}}, false), "a<|im_end|>");
  EXPECT_EQ(tokenizer->token_bytes(end), "");
}

TEST(Bpe, OtherAddedTokensAlwaysAndLongestFirst) {
  BpeTables tables = byte_tables();
  add_token(tables, "<t>", false);
  const TokenId longer = add_token(tables, "<t><t>", false);
  const auto tokenizer = make_bpe_tokenizer(tables, "test");
  EXPECT_THAT(tokenizer->encode("<t><t><t>"), ElementsAre(longer, longer - 1));
  EXPECT_EQ(tokenizer->decode({{longer}}), "<t><t>");
}

TEST(Bpe, StrippingTokensTakeWhiteSpaceAlong) {
  BpeTables tables = byte_tables();
  const TokenId mask = add_token(tables, "<m>", false);
  tables.added[0].lstrip = true;
  tables.added[0].rstrip = true;
  EXPECT_THAT(make_bpe_tokenizer(tables, "test")->encode("a \u3000<m>\n b"), ElementsAre('a', mask, 'b'));
}

TEST(Bpe, BosAndEosWhereConfigured) {
  BpeTables tables = byte_tables();
  tables.add_bos = tables.add_eos = true;
  tables.bos = add_token(tables, "<s>", true);
  tables.eos = add_token(tables, "</s>", true);
  const auto tokenizer = make_bpe_tokenizer(tables, "test");
  EXPECT_THAT(tokenizer->encode("a"), ElementsAre(256, 'a', 257));
  EXPECT_THAT(tokenizer->encode("a", {.add_special = false}), ElementsAre('a'));
}

TEST(Bpe, InvalidUtf8IsReadAsReplacementCharacters) {
  const auto tokenizer = make_bpe_tokenizer(byte_tables(), "test");
  EXPECT_EQ(tokenizer->encode("a\xff\xe4\xbd"), bytes_of("a\ufffd\ufffd"));
  EXPECT_EQ(tokenizer->decode({{'a', 0xe4, 0xbd, 'b'}}), "a\ufffdb");
}

TEST(Bpe, EmptyTextHasNoIds) {
  const auto tokenizer = make_bpe_tokenizer(byte_tables(), "test");
  EXPECT_THAT(tokenizer->encode(""), IsEmpty());
  EXPECT_EQ(tokenizer->decode({}), "");
}

TEST(Bpe, VeryLongWordsAreNotQuadratic) {
  BpeTables tables = byte_tables();
  add_merge(tables, "a", "a");
  add_merge(tables, "aa", "aa");
  const std::string word(4'000'000, 'a');  // quadratic would take hours
  EXPECT_EQ(make_bpe_tokenizer(tables, "test")->encode(word).size(), word.size() / 4);
}

TEST(Bpe, LongWhiteSpaceStaysWithinTheMatchersLimits) {
  BpeTables tables = byte_tables();
  tables.pre = "qwen2";
  const std::string spaces(20'000'000, ' ');
  EXPECT_EQ(make_bpe_tokenizer(tables, "test")->encode(spaces).size(), spaces.size());
}

TEST(Bpe, IdsOutOfRangeAreTheCallersFault) {
  const auto tokenizer = make_bpe_tokenizer(byte_tables(), "test");
  EXPECT_THAT(error_of([&] { tokenizer->decode({{256}}); }),
              HasSubstr("argument: [test] token ids must be 0 to 255"));
  EXPECT_THAT(error_of([&] { tokenizer->token_bytes(-1); }), HasSubstr("found -1"));
}

TEST(Bpe, RefusesTablesThatContradictThemselves) {
  const auto fails_with = [](const std::function<void(BpeTables&)>& spoil, const std::string& message) {
    BpeTables tables = byte_tables();
    spoil(tables);
    EXPECT_THAT(error_of([&] { make_bpe_tokenizer(tables, "t"); }), HasSubstr(message));
  };
  fails_with([](BpeTables& t) { t.tokens.clear(); }, "file: [t] the vocabulary must hold 1 to");
  fails_with([](BpeTables& t) { t.merges = {"a"}; }, "file: [t] a merge must be two tokens");
  fails_with([](BpeTables& t) { t.merges = {"a b c"}; }, "file: [t] a merge must be two tokens");
  fails_with([](BpeTables& t) { t.merges = {"a b"}; }, "'ab' in the merge 'a b' is none");
  fails_with([](BpeTables& t) { t.bos = 256; }, "file: [t] the id of BOS");
  fails_with([](BpeTables& t) { t.add_eos = true; }, "file: [t] a tokenizer that adds EOS");
  fails_with([](BpeTables& t) { t.added = {{.id = -1, .content = "x"}}; }, "the id of the added token 'x'");
  fails_with([](BpeTables& t) { t.pre = "dbrx"; },
             "unsupported: [t] the pre-tokenizer must be one of gpt-2, smollm");
  fails_with(
      [](BpeTables& t) {
        t.pre = "";
        t.split_patterns = {"(a"};
      },
      "unsupported: [t] the pre-tokenizer's pattern must be one that PCRE2 compiles, found '(a'");
}

TEST(Bpe, CatastrophicPatternsAreGivenUp) {
  BpeTables tables = byte_tables();
  tables.pre = "";
  tables.split_patterns = {"(a+b?)+[cd]"};
  const auto tokenizer = make_bpe_tokenizer(tables, "t");
  EXPECT_THAT(error_of([&] { tokenizer->encode(std::string(5000, 'a')); }),
              HasSubstr("must match in bounded time"));
}

}  // namespace
}  // namespace longscroll
