#include "console/terminal.h"

#include <gtest/gtest.h>

namespace longscroll {
namespace {

TEST(Terminal, ChineseCharactersTakeTwoColumnsAndMarksNone) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("读完，a"), 7u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width("\x1b"), 0u);
}

TEST(Terminal, ATextIsCutBeforeACharacterThatWouldNotFit) {
  EXPECT_EQ(fit_to_width("abcdef", 6), "abcdef");
  EXPECT_EQ(fit_to_width("abcdef", 5), "abcd…");
  EXPECT_EQ(fit_to_width("读完整本书", 6), "读完…");
  EXPECT_EQ(fit_to_width("读完整本书", 7), "读完整…");
  EXPECT_EQ(fit_to_width("abc", 0), "");
}

TEST(Terminal, NoTextCanSendACommand) {
  EXPECT_EQ(printable("a\tb\r\n\x1b[2J\x7f读"), "a\tb\n·[2J·读");
}

TEST(Terminal, DurationsGrowCoarser) {
  EXPECT_EQ(format_duration(0.04), "0.0 s");
  EXPECT_EQ(format_duration(8.44), "8.4 s");
  EXPECT_EQ(format_duration(9.96), "10 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(185), "3 min 05 s");
  EXPECT_EQ(format_duration(7800), "2 h 10 min");
  EXPECT_EQ(format_duration(273600), "3 d 4 h");
}

TEST(Terminal, BytesUseTheLargestUnitBelow) {
  EXPECT_EQ(format_bytes(1023), "1023 bytes");
  EXPECT_EQ(format_bytes(1536), "1.50 KiB");
  EXPECT_EQ(format_bytes(uint64_t{9} << 30), "9.00 GiB");
  EXPECT_EQ(format_bytes(uint64_t{25} << 29), "12.5 GiB");
}

TEST(Terminal, CountsAreGroupedByThousands) {
  EXPECT_EQ(format_count(7), "7");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(32768), "32,768");
  EXPECT_EQ(format_count(1234567), "1,234,567");
}

}  // namespace
}  // namespace longscroll
