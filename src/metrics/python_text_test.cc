#include "metrics/python_text.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longscroll::py {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Decode, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(decode("a\xff\xc3"), U"a\ufffd\ufffd");
  EXPECT_EQ(encode(U"a\ufffd"), "a\ufffd");
  EXPECT_EQ(decode(std::string_view("a\0b", 3)), std::u32string_view(U"a\0b", 3));
}

TEST(Lower, TurnsDottedCapitalIIntoTwoCodePoints) {
  EXPECT_EQ(lower(U"İSTANBUL"), U"i\u0307stanbul");
}

TEST(Lower, KnowsTheFinalSigma) {
  EXPECT_EQ(lower(U"ΟΔΟΣ ΣΑΣ"), U"οδος σας");
  EXPECT_EQ(lower(U"Σ"), U"σ");
  EXPECT_EQ(lower(U"ΑΣ.Α"), U"ασ.α");  // a point between letters ends no word
  EXPECT_EQ(lower(U"ΑΣ\u0301"), U"ας\u0301");
}

TEST(Split, CutsAtEveryWhiteSpaceOfPython) {
  EXPECT_THAT(split(U"\u2003a\u0085b\x1c\u2028"), ElementsAre(U"a", U"b"));
  EXPECT_THAT(split(U"a\u200bb"), ElementsAre(U"a\u200bb"));  // no white space
  EXPECT_THAT(split(U" \n"), IsEmpty());
  EXPECT_THAT(split(U"a.b..", U"."), ElementsAre(U"a", U"b", U"", U""));
}

TEST(IsWord, TakesNumbersOfAnyKindAndNoCombiningMarks) {
  for (const char32_t c : std::u32string_view(U"aZ_9é中あⅧ½²१"))
    EXPECT_TRUE(is_word(c)) << static_cast<uint32_t>(c);
  for (const char32_t c : std::u32string_view(U"-\u0301、 \u200b"))
    EXPECT_FALSE(is_word(c)) << static_cast<uint32_t>(c);
}

TEST(IsDigit, TakesMoreThanDecimals) {
  for (const char32_t c : std::u32string_view(U"7१３²①"))
    EXPECT_TRUE(is_digit(c)) << static_cast<uint32_t>(c);
  EXPECT_FALSE(is_digit(U'½'));
  EXPECT_TRUE(is_decimal(U'３'));
  EXPECT_FALSE(is_decimal(U'²'));
}

TEST(IsUpper, TakesCircledLettersAndNoTitleCase) {
  EXPECT_TRUE(is_upper(U'Ⓐ'));
  EXPECT_TRUE(is_upper(U'Ç'));
  EXPECT_FALSE(is_upper(U'ǅ'));
  EXPECT_FALSE(is_upper(U'a'));
}

TEST(IsWord, DoesNotKnowCharactersThatCameAfterUnicode14) {
  EXPECT_TRUE(is_word(0x2a700));   // CJK extension C
  EXPECT_FALSE(is_word(0x31350));  // extension H, Unicode 15
}

TEST(ReplaceArticles, TakesWholeWordsWhereIdeographsCountAsLetters) {
  EXPECT_EQ(replace_articles(U"the cat, an a-b the", U" ", false), U"  cat,    -b  ");
  EXPECT_EQ(replace_articles(U"a中 _a The", U"", false), U"a中 _a The");
  EXPECT_EQ(replace_articles(U"The AN a", U"", true), U"  ");
}

TEST(FindNumbers, KeepsTheDigitsOfEveryScript) {
  EXPECT_THAT(find_numbers(U"x012-１２²3"), ElementsAre(U"012", U"１２", U"3"));
}

TEST(ToFloat, ReadsWhatPythonReads) {
  EXPECT_EQ(to_float(U" 070 "), 70);
  EXPECT_EQ(to_float(U"1_000.5e-1"), 100.05);
  EXPECT_EQ(to_float(U"-３.５\u3000"), -3.5);
  EXPECT_EQ(to_float(U".5"), 0.5);
  EXPECT_EQ(to_float(U"5."), 5);
  EXPECT_EQ(to_float(U"-Infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(*to_float(U"nan")));
  EXPECT_EQ(to_float(U"1" + std::u32string(400, U'0')), std::numeric_limits<double>::infinity());
  EXPECT_EQ(to_float(U"0.0000001e-400"), 0);
}

TEST(ToFloat, RefusesWhatPythonRefuses) {
  for (const std::u32string_view text : {U"", U" ", U".", U"1__0", U"_1", U"1_", U"1e", U"e5", U"0x10",
                                         U"1 2", U"²", U"+-1", U"1,000", U"\u200b1", U"12 apples"}) {
    EXPECT_EQ(to_float(text), std::nullopt) << encode(text);
  }
}

}  // namespace
}  // namespace longscroll::py
