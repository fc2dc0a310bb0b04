#include "base/error.h"

#include <gtest/gtest.h>

namespace longscroll {
namespace {

TEST(Error, MessageNamesPlaceFaultAndHint) {
  const Error error(ErrorKind::kFile, "a.gguf", "magic must be GGUF, found ABCD", "is it a model?");
  EXPECT_STREQ(error.what(), "[a.gguf] magic must be GGUF, found ABCD\n  hint: is it a model?");
  EXPECT_EQ(error.kind(), ErrorKind::kFile);
}

TEST(Error, NoHintLineWithoutHint) {
  EXPECT_STREQ(Error(ErrorKind::kArgument, "x", "y").what(), "[x] y");
}

}  // namespace
}  // namespace longscroll
