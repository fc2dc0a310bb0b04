#include "base/utf8.h"

#include <gtest/gtest.h>

namespace longscroll {
namespace {

TEST(Utf8, EveryCodePointRoundTrips) {
  for (uint32_t cp = 0; cp <= 0x10ffff; ++cp) {
    if (cp >= 0xd800 && cp <= 0xdfff) continue;
    std::string text;
    append_utf8(text, cp);
    const Utf8Char c = decode_utf8(text, 0);
    ASSERT_TRUE(c.valid) << cp;
    ASSERT_EQ(c.code_point, cp);
    ASSERT_EQ(c.length, text.size());
  }
}

TEST(Utf8, SurrogatesOverlongsAndTooLargeAreInvalid) {
  for (const char* text : {"\xed\xa0\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xf4\x90\x80\x80", "\xff", "\x80"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
}

TEST(Utf8, InvalidSequencesAreReplacedAsUnicodeTable3_8) {
  // From The Unicode Standard, "U+FFFD Substitution of Maximal Subparts".
  EXPECT_EQ(replace_invalid_utf8("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"),
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x41");
}

TEST(Utf8, IncompleteSuffixIsOnlyWhatMoreBytesCouldComplete) {
  EXPECT_EQ(incomplete_utf8_suffix("a\xe4\xb8"), 2u);
  EXPECT_EQ(incomplete_utf8_suffix("\xf0\x9f\x98"), 3u);
  EXPECT_EQ(incomplete_utf8_suffix("\xe4\xb8\xad"), 0u);
  EXPECT_EQ(incomplete_utf8_suffix("\x80\x80"), 0u);
  EXPECT_EQ(incomplete_utf8_suffix(""), 0u);
}

TEST(Utf8, OffsetsCountCodePoints) {
  EXPECT_EQ(code_point_offsets("a\xe4\xb8\xadz"), (std::vector<size_t>{0, 1, 4, 5}));
  EXPECT_EQ(count_code_points("a\xe4\xb8\xadz"), 3u);
}

}  // namespace
}  // namespace longscroll
