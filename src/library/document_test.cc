#include "library/document.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unicode/ucnv.h>

#include "base/error.h"

namespace longscroll {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kChinese =
    "北京大学是中国的一所综合性大学，位于北京市海淀区。\r\n今天的天气很好，我们去公园散步，看到了很多人。\n";
const std::string kJapanese = "日本の首都は東京です。今日は天気がいいので、公園を散歩しました。";
const std::string kRussian = "Москва является столицей России. Сегодня хорошая погода, и мы пошли гулять.";
const std::string kFrench = "Le café était fermé, mais l'été a déjà commencé à Besançon; où êtes-vous allés?";

// UTF-8 to any encoding that ICU knows.
std::string encode(const std::string& utf8, const char* encoding) {
  UErrorCode status = U_ZERO_ERROR;
  std::string out(utf8.size() * 4 + 16, '\0');
  const int32_t length = ucnv_convert(encoding, "UTF-8", out.data(), static_cast<int32_t>(out.size()),
                                      utf8.data(), static_cast<int32_t>(utf8.size()), &status);
  EXPECT_TRUE(U_SUCCESS(status)) << encoding;
  out.resize(static_cast<size_t>(length));
  return out;
}

std::string error_of(const std::string& bytes) {
  try {
    decode_document(bytes, "doc.txt");
  } catch (const Error& error) {
    EXPECT_EQ(error.where(), "doc.txt");
    return error.what();
  }
  return "no error";
}

TEST(Document, Utf8IsTakenAsItIsWithItsLineEnds) {
  const Document document = decode_document(kChinese, "doc.txt");
  EXPECT_EQ(document.text, kChinese);
  EXPECT_EQ(document.encoding, "UTF-8");
  EXPECT_EQ(document.bytes, kChinese.size());
  EXPECT_EQ(document.characters, 51u);
  EXPECT_THAT(document.remarks, IsEmpty());
}

TEST(Document, AByteOrderMarkDecidesAndIsRemoved) {
  struct Case {
    std::string mark;
    const char* encoding;
  };
  const Case cases[] = {{"\xEF\xBB\xBF", "UTF-8"},     {"\xFF\xFE", "UTF-16LE"},
                        {"\xFE\xFF", "UTF-16BE"},      {"\xFF\xFE\0\0"s, "UTF-32LE"},
                        {"\0\0\xFE\xFF"s, "UTF-32BE"}, {"\x84\x31\x95\x33", "GB18030"}};
  for (const Case& c : cases) {
    const Document document = decode_document(c.mark + encode(kChinese, c.encoding), "doc.txt");
    EXPECT_EQ(document.text, kChinese) << c.encoding;
    EXPECT_EQ(document.encoding, c.encoding);
    EXPECT_THAT(document.remarks, IsEmpty());
  }
}

TEST(Document, Utf16WithoutAMarkIsToldByItsPunctuation) {
  for (const char* encoding : {"UTF-16LE", "UTF-16BE"}) {
    for (const std::string& text : {kChinese, kFrench, kRussian, "你好，世界"s, "plain ASCII text\n"s}) {
      const Document document = decode_document(encode(text, encoding), "doc.txt");
      EXPECT_EQ(document.text, text) << encoding;
      EXPECT_EQ(document.encoding, encoding) << text;
      EXPECT_THAT(document.remarks, SizeIs(1));
    }
  }
}

TEST(Document, Gb18030IsFoundInLongAndShortTexts) {
  for (const std::string& text :
       {kChinese, "你好，世界"s, "汉字 in an English sentence."s, kChinese + "𠀀€"}) {
    const Document document = decode_document(encode(text, "GB18030"), "doc.txt");
    EXPECT_EQ(document.text, text);
    EXPECT_EQ(document.encoding, "GB18030") << text;
  }
}

TEST(Document, OtherEncodingsAreNamedWithARemark) {
  struct Case {
    std::string text;
    const char* icu_name;
    const char* reported;
  };
  const Case cases[] = {{kJapanese, "Shift_JIS", "Shift_JIS"},
                        {kJapanese, "EUC-JP", "EUC-JP"},
                        {kRussian, "windows-1251", "windows-1251"},
                        {kFrench, "ISO-8859-1", "ISO-8859-1"}};
  for (const Case& c : cases) {
    const Document document = decode_document(encode(c.text, c.icu_name), "doc.txt");
    EXPECT_EQ(document.text, c.text);
    EXPECT_EQ(document.encoding, c.reported);
    ASSERT_THAT(document.remarks, SizeIs(1));
    EXPECT_THAT(document.remarks[0], HasSubstr(c.reported));
  }
}

TEST(Document, NothingToReadIsAnError) {
  EXPECT_THAT(error_of(""), HasSubstr("found an empty file"));
  EXPECT_THAT(error_of(" \n\t\r\n"), HasSubstr("only white space"));
  EXPECT_THAT(error_of("\xEF\xBB\xBF"), HasSubstr("only white space"));
  EXPECT_THAT(error_of("\u3000\u00A0\u200B\n"), HasSubstr("only white space"));
}

TEST(Document, BinaryDataIsAnError) {
  std::string noise;
  for (int i = 0; i < 4096; ++i) noise += static_cast<char>((i * 7919 + (i >> 3) * 131) & 0xFF);
  EXPECT_THAT(error_of(noise), HasSubstr("found binary data"));
  EXPECT_THAT(error_of("\x7F"
                       "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>"s),
              HasSubstr("found binary data"));
  EXPECT_THAT(error_of("text with a \0 in it"s), HasSubstr("found binary data"));
  EXPECT_THAT(error_of("a\x01"
                       "b\x02"
                       "c\x03"),
              HasSubstr("found binary data"));
}

TEST(Document, AStrayControlCharacterIsStillText) {
  const std::string text = std::string(300, 'a') + "\x1B[0m";
  EXPECT_EQ(decode_document(text, "doc.txt").text, text);
}

TEST(Document, KnownFormatsAreNamed) {
  EXPECT_THAT(error_of("%PDF-1.7\n..."), HasSubstr("found a PDF"));
  EXPECT_THAT(error_of("PK\x03\x04...."), HasSubstr("ZIP archive"));
  EXPECT_THAT(error_of("{\\rtf1 hello}"), HasSubstr("RTF"));
}

TEST(Document, DamagedUtf8IsAnErrorThatSaysWhere) {
  const std::string cut = "第一行\n" + kChinese.substr(0, 20);  // 20 is within a character
  EXPECT_THAT(error_of(cut), HasSubstr("found 1 damaged place(s), the first at byte 28 (line 2)"));
  EXPECT_THAT(error_of("\xEF\xBB\xBF"
                       "ab\xFF"
                       "cd"),
              HasSubstr("byte order mark"));
}

TEST(Document, AnUnpairedSurrogateIsAnError) {
  EXPECT_THAT(error_of("\xFF\xFE"
                       "a\0\x00\xD8"
                       "b\0"s),
              HasSubstr("must be UTF-16LE"));
}

TEST(Document, BytesOfNoEncodingAreAnError) {
  EXPECT_THAT(error_of("caf\xE9"), HasSubstr("fit none"));
}

TEST(Document, ReadsAFileAndKeepsItsStamp) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "longscroll_document.md";
  std::ofstream(path, std::ios::binary) << encode(kChinese, "GB18030");
  const Document document = read_document(path);
  EXPECT_EQ(document.text, kChinese);
  EXPECT_EQ(document.stamp, stamp(path));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace longscroll
