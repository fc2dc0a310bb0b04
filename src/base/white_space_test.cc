#include "base/white_space.h"

#include <gtest/gtest.h>

namespace longscroll {
namespace {

TEST(StripPythonSpace, TakesUnicodesWhiteSpaceAndAsciisSeparatorsOffBothEnds) {
  EXPECT_EQ(strip_python_space("\xE3\x80\x80\x1c\n a\xE3\x80\x80z\xC2\xA0\xE2\x80\xA8\t"), "a\xE3\x80\x80z");
  EXPECT_EQ(strip_python_space(" \xE3\x80\x80\x85"), "\x85") << "a lone byte is no character";
  EXPECT_EQ(strip_python_space("\xC2\x85\x1f"), "");
  EXPECT_EQ(strip_python_space(""), "");
}

TEST(StripPythonSpace, LeavesZeroWidthCharactersAndBrokenBytes) {
  EXPECT_EQ(strip_python_space("\xE2\x80\x8B\xEF\xBB\xBF"), "\xE2\x80\x8B\xEF\xBB\xBF");
  EXPECT_EQ(strip_python_space("\x80\x80 "), "\x80\x80");
  EXPECT_EQ(strip_python_space("a\xE3\x80"), "a\xE3\x80");
}

}  // namespace
}  // namespace longscroll
