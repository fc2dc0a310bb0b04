#include <gtest/gtest.h>

#include "text/bpe.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace longscroll {
namespace {

std::shared_ptr<const Tokenizer> byte_tokenizer() {
  BpeTables tables;
  tables.tokens.assign(byte_spellings().begin(), byte_spellings().end());
  tables.tokens.push_back("<end>");
  tables.added.push_back({.id = 256, .content = "<end>", .special = true});
  tables.pre = "gpt-2";
  return make_bpe_tokenizer(tables, "test");
}

TEST(StreamDecoder, HoldsBytesUntilTheCharacterIsWhole) {
  const auto tokenizer = byte_tokenizer();
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push('a'), "a");
  EXPECT_EQ(decoder.push(0xf0), "");
  EXPECT_EQ(decoder.push(0x9f), "");
  EXPECT_EQ(decoder.push(0x98), "");
  EXPECT_EQ(decoder.push(0x80), "\U0001F600");
  EXPECT_EQ(decoder.flush(), "");
}

TEST(StreamDecoder, FlushShowsWhatWasCutOff) {
  const auto tokenizer = byte_tokenizer();
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(0xe4), "");
  EXPECT_EQ(decoder.push(0xbd), "");
  EXPECT_EQ(decoder.flush(), "\ufffd");
  EXPECT_EQ(decoder.flush(), "");
}

TEST(StreamDecoder, BytesThatCannotContinueAreShownAtOnce) {
  const auto tokenizer = byte_tokenizer();
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(0xe4), "");
  EXPECT_EQ(decoder.push('b'),
            "\ufffd"
            "b");
}

TEST(StreamDecoder, SpecialTokensDoNotBreakACharacter) {
  const auto tokenizer = byte_tokenizer();
  StreamDecoder skipping(*tokenizer);
  EXPECT_EQ(skipping.push(0xc3), "");
  EXPECT_EQ(skipping.push(256), "");
  EXPECT_EQ(skipping.push(0xa9), "\u00e9");
  StreamDecoder showing(*tokenizer, false);
  EXPECT_EQ(showing.push(256), "<end>");
}

TEST(StreamDecoder, KeepsALeadingSpaceThatDecodeKeeps) {
  const auto tokenizer = byte_tokenizer();
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(' '), " ");
}

}  // namespace
}  // namespace longscroll
