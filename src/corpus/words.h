// A text cut into words, without a dictionary: what the rules of quality and repetition count.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace longscroll::corpus {

enum class WordKind : uint8_t {
  kLetters,    // with at least one letter
  kDigits,     // digits, and what stands between them
  kSymbol,     // one character that is neither letter nor digit, or an ellipsis of dots
  kIdeograph,  // one Han or kana character: a language without spaces
};

struct Word {
  std::string_view text;
  uint32_t characters = 0;
  WordKind kind = WordKind::kLetters;
};

// Letters, digits and marks in a row are one word, with single . ' ’ - _ / & : @ inside it ("well-known",
// "3.5", "example.com"); so about what a Treebank tokenizer gives, except that contractions stay whole. Every
// other character but white space is a symbol. `text` is UTF-8 and outlives the words.
void split_words(std::string_view text, std::vector<Word>& words);

bool is_ideograph(uint32_t code_point);  // Han, hiragana, katakana

}  // namespace longscroll::corpus
