#include "corpus/normalize_text.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "library/encoding.h"

namespace longscroll::corpus {
namespace {

// The text as a program sees it that takes its bytes for Windows-1252.
std::string mojibake(const std::string& text) {
  std::string wrong;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_control = byte == 0x81 || byte == 0x8d || byte == 0x8f || byte == 0x90 || byte == 0x9d;
    if (byte < 0x80) {
      wrong += c;
    } else if (is_control) {
      append_utf8(wrong, byte);
    } else {
      wrong += *convert_strictly({&c, 1}, "windows-1252");
    }
  }
  return wrong;
}

TEST(Mojibake, IsDecodedAgain) {
  for (const std::string text :
       {"café, naïve, Größe", "“quoted” – it’s", "长文本模型，三万字", "Привет мир"}) {
    const Repair repair = repair_mojibake(mojibake(text));
    EXPECT_EQ(repair.text, text);
    EXPECT_GT(repair.runs, 0U);
  }
}

TEST(Mojibake, OfMojibakeToo) {
  EXPECT_EQ(repair_mojibake(mojibake(mojibake("café and “naïve” Größe"))).text, "café and “naïve” Größe");
}

TEST(Mojibake, RealTextStaysAsItIs) {
  for (const std::string text :
       {"café, naïve, Größe", "«Où ?» – çà", "“Éric” … §5 ½", "长文本", "Ünïcödé", "ASCII"}) {
    const Repair repair = repair_mojibake(text);
    EXPECT_EQ(repair.text, text);
    EXPECT_EQ(repair.runs, 0U) << text;
  }
}

TEST(Mojibake, OnePairOfCharactersIsNotEnough) {
  EXPECT_EQ(repair_mojibake("the pair Ã© alone").runs, 0U);
  EXPECT_EQ(repair_mojibake("Ã© and Ã¨").text, "é and è");
}

TEST(Controls, GoAndLineEndsBecomeOne) {
  const std::string text = std::string(
                               "a\r\nb\rc\xE2\x80\xA8"
                               "d\x07\x1b[0m\xEF\xBB\xBF\xC2\xAD") +
                           '\0' + "e\t";
  EXPECT_EQ(remove_controls(text).text, "a\nb\nc\nd[0me\t");
}

TEST(Controls, CharactersThatJoinOthersStay) {
  const std::string text = "क्‍ष 👩‍👧 नी";  // with zero-width joiners
  EXPECT_EQ(remove_controls(text).text, text);
  EXPECT_EQ(remove_controls(text).runs, 0U);
}

TEST(Nfc, ComposesAndLeavesTheRest) {
  EXPECT_EQ(normalize_nfc("e\xCC\x81"), "é");
  EXPECT_EQ(normalize_nfc("é 长 ﬁ"), "é 长 ﬁ");  // compatibility forms stay
}

TEST(ReplacedShare, CountsLostCharacters) {
  EXPECT_EQ(replaced_share("all well"), 0);
  EXPECT_DOUBLE_EQ(replaced_share("ab\xEF\xBF\xBD\xEF\xBF\xBD"), 0.5);
  EXPECT_DOUBLE_EQ(replaced_share("长锟斤拷"), 0.75);
}

}  // namespace
}  // namespace longscroll::corpus
