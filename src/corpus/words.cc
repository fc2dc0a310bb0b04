#include "corpus/words.h"

#include <unicode/uchar.h>

#include <array>

#include "base/utf8.h"
#include "base/white_space.h"

namespace longscroll::corpus {
namespace {

enum class Class : uint8_t { kSpace, kLetter, kDigit, kJoiner, kIdeograph, kSymbol };

Class class_of_ascii(unsigned char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return Class::kLetter;
  if (c >= '0' && c <= '9') return Class::kDigit;
  if (is_python_space(c)) return Class::kSpace;
  constexpr std::string_view kJoiners = ".'-_/&:@";
  return kJoiners.find(static_cast<char>(c)) != std::string_view::npos ? Class::kJoiner : Class::kSymbol;
}

Class class_of(uint32_t c) {
  static const std::array<Class, 128> kAscii = [] {
    std::array<Class, 128> classes{};
    for (size_t i = 0; i < classes.size(); ++i) classes[i] = class_of_ascii(static_cast<unsigned char>(i));
    return classes;
  }();
  if (c < 128) return kAscii[c];
  if (is_python_space(c)) return Class::kSpace;
  if (is_ideograph(c)) return Class::kIdeograph;
  if (c == 0x2019) return Class::kJoiner;
  const uint32_t mask = U_GET_GC_MASK(static_cast<UChar32>(c));
  if ((mask & (U_GC_L_MASK | U_GC_M_MASK)) != 0) return Class::kLetter;
  return (mask & U_GC_ND_MASK) != 0 ? Class::kDigit : Class::kSymbol;
}

bool is_inner(Class kind) {
  return kind == Class::kLetter || kind == Class::kDigit;
}

struct Character {
  Class kind = Class::kSpace;
  uint32_t length = 0;
};

Character at(std::string_view text, size_t pos) {
  if (pos >= text.size()) return {};
  const Utf8Char c = decode_utf8(text, pos);
  return {class_of(c.code_point), c.length};
}

// From a letter or digit at `begin` to the end of its word.
Word take_word(std::string_view text, size_t begin) {
  Word word;
  word.kind = WordKind::kDigits;
  size_t end = begin;
  for (;;) {
    const Character c = at(text, end);
    if (is_inner(c.kind)) {
      if (c.kind == Class::kLetter) word.kind = WordKind::kLetters;
    } else if (c.kind != Class::kJoiner || !is_inner(at(text, end + c.length).kind)) {
      break;
    }
    end += c.length;
    ++word.characters;
  }
  word.text = text.substr(begin, end - begin);
  return word;
}

}  // namespace

bool is_ideograph(uint32_t c) {
  if (c < 0x3005) return false;
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x4dbf) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x323af) || c == 0x3005 || c == 0x3007;
}

void split_words(std::string_view text, std::vector<Word>& words) {
  words.clear();
  for (size_t pos = 0; pos < text.size();) {
    const Character c = at(text, pos);
    if (c.kind == Class::kSpace) {
      pos += c.length;
      continue;
    }
    Word word;
    if (is_inner(c.kind)) {
      word = take_word(text, pos);
    } else if (text.substr(pos).starts_with("...")) {
      word = {text.substr(pos, 3), 3, WordKind::kSymbol};
    } else {
      const WordKind kind = c.kind == Class::kIdeograph ? WordKind::kIdeograph : WordKind::kSymbol;
      word = {text.substr(pos, c.length), 1, kind};
    }
    pos += word.text.size();
    words.push_back(word);
  }
}

}  // namespace longscroll::corpus
