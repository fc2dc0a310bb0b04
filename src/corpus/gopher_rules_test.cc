#include "corpus/gopher_rules.h"

#include <gtest/gtest.h>

#include <string>

#include "base/utf8.h"
#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

// A text that passes: 200 words of five letters on average, no two lines alike, with stop words.
std::string good_text(uint64_t seed = 1) {
  return "the cat and the dog\n" + test::random_words(seed, 200);
}

std::string reason_of(const std::string& text, const GopherSettings& settings = {}, bool english = true) {
  return GopherRules(settings).check(text, english).reason;
}

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(GopherRules, LetAnOrdinaryTextPass) {
  EXPECT_EQ(reason_of(good_text()), "");
}

TEST(GopherRules, CountWordsAndTheirLength) {
  EXPECT_EQ(reason_of("the cat and the dog"), "gopher-few-words");
  GopherSettings few;
  few.max_words = 100;
  EXPECT_EQ(reason_of(good_text(), few), "gopher-many-words");
  EXPECT_EQ(reason_of(repeat("a b to of ", 30)), "gopher-short-words");
  EXPECT_EQ(reason_of(repeat("unbelievably long-winded ", 30)), "gopher-long-words");
}

TEST(GopherRules, CountSymbolsBulletsAndEllipses) {
  EXPECT_EQ(reason_of(good_text() + repeat(" #", 40)), "gopher-hashes");
  EXPECT_EQ(reason_of(good_text() + repeat(" word...", 40)), "gopher-ellipses");
  std::string bullets, ellipses;
  for (int i = 0; i < 20; ++i) {
    const std::string line = test::random_words(100 + static_cast<uint64_t>(i), 9);
    bullets += "• the " + line + "and\n";
    ellipses +=
        (i % 2 == 0 ? "of " + line + "with it now and then…\n" : "the " + line + "that was have had it be\n");
  }
  EXPECT_EQ(reason_of(bullets), "gopher-bullet-lines");
  EXPECT_EQ(reason_of(ellipses), "gopher-ellipsis-lines");
}

TEST(GopherRules, WantWordsOfLettersAndStopWords) {
  std::string figures;
  for (int i = 1000; i < 1080; ++i) figures += std::to_string(i * 37) + " the and " + std::to_string(i) + " ";
  EXPECT_EQ(reason_of(figures), "gopher-alphabetic-words");
  EXPECT_EQ(reason_of(test::random_words(3, 200)), "gopher-stop-words");
  EXPECT_EQ(reason_of(test::random_words(3, 200), {}, false), "");
}

TEST(GopherRules, FindRepeatedLinesAndParagraphs) {
  const std::string line = "the same short line and no other\n";
  EXPECT_EQ(reason_of(good_text() + repeat(line, 30)), "gopher-repeated-lines");
  const std::string paragraph = "\n\nthe paragraph that comes again and again with the same words\n\n";
  EXPECT_EQ(reason_of(good_text() + repeat(paragraph, 5)), "gopher-repeated-paragraphs");
}

TEST(GopherRules, FindTheNGramThatTakesTooMuch) {
  std::string text = "to be and of\n";
  for (uint64_t i = 0; i < 60; ++i) text += "the platypus " + test::random_words(500 + i, 3);
  EXPECT_EQ(reason_of(text), "gopher-top-2-gram");
}

TEST(GopherRules, FindNGramsThatCameBefore) {
  // Six sentences of ten words, each four times on lines that differ: no line repeats, words in a row do.
  std::string text = good_text(5) + "\n";
  for (uint64_t i = 0; i < 24; ++i) {
    std::string sentence = test::random_words(700 + i % 6, 10);
    sentence.pop_back();
    text += "and " + std::to_string(i) + " " + sentence + " that\n";
  }
  EXPECT_EQ(reason_of(text), "gopher-repeated-5-grams");
}

TEST(GopherRules, CanBeSwitchedOffOneByOne) {
  GopherSettings off;
  off.min_words = 0;
  off.min_stop_words = 0;
  const std::string text = test::random_words(9, 40);
  EXPECT_EQ(reason_of(text), "gopher-few-words");
  EXPECT_EQ(reason_of(text, off), "");
}

TEST(GopherRules, TakeTwoCharactersForAWordWithoutSpaces) {
  std::string text;
  for (uint32_t i = 0; i < 120; ++i) append_utf8(text, 0x4e00 + i * 7);
  EXPECT_EQ(reason_of(text, {}, false), "");
  std::string half;
  for (uint32_t i = 0; i < 90; ++i) append_utf8(half, 0x4e00 + i * 7);
  EXPECT_EQ(reason_of(half, {}, false), "gopher-few-words");
}

TEST(GopherRules, KeepNothingFromOneTextToTheNext) {
  GopherRules rules{GopherSettings{}};
  for (uint64_t i = 0; i < 5; ++i) EXPECT_EQ(rules.check(good_text(i % 2), true).reason, "") << i;
}

}  // namespace
}  // namespace longscroll::corpus
