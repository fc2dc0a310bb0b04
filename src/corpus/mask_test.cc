#include "corpus/mask.h"

#include <gtest/gtest.h>

namespace longscroll::corpus {
namespace {

std::string masked(const std::string& text) {
  return Masker({.email = true, .phone = true, .address = true}).mask(text).text;
}

TEST(Masker, HidesAddressesAndNumbers) {
  EXPECT_EQ(masked("write to jane.doe+x@mail.example.org, or call"), "write to <EMAIL>, or call");
  EXPECT_EQ(masked("from 192.168.0.255."), "from <IP>.");
  EXPECT_EQ(masked("(555) 123-4567"), "<PHONE>");
  EXPECT_EQ(masked("call 212-555-0134 now"), "call <PHONE> now");
  EXPECT_EQ(masked("+49 30 1234567"), "<PHONE>");
  EXPECT_EQ(masked("手机：13812345678，座机：010-62345678。"), "手机：<PHONE>，座机：<PHONE>。");
}

TEST(Masker, LeavesOtherNumbersAlone) {
  for (const std::string text : {"in 1998-2004", "version 1.2.3", "300.1.1.1", "12345678901234567890",
                                 "3.14159265", "a@b", "@name", "1,234,567", "ISBN 978-3-16-148410-0"}) {
    EXPECT_EQ(masked(text), text);
  }
}

TEST(Masker, HidesNothingUnasked) {
  const Masked result = Masker({}).mask("jane@example.org 192.168.0.1");
  EXPECT_EQ(result.text, "jane@example.org 192.168.0.1");
  EXPECT_EQ(result.count, 0U);
}

TEST(Masker, TakesHostileTextInItsStride) {
  const std::string text(200'000, 'a');
  EXPECT_EQ(masked(text), text);
  EXPECT_EQ(masked(text + "@" + text).size(), 2 * text.size() + 1);
}

}  // namespace
}  // namespace longscroll::corpus
