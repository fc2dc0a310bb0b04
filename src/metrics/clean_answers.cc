#include "metrics/clean_answers.h"

#include <algorithm>
#include <set>
#include <vector>

#include "metrics/ascii.h"
#include "metrics/python_text.h"

namespace longscroll {
namespace {

// Maximal runs of word characters. Chinese is written without spaces, so an ideograph ends a word here:
// "选B吧".
std::vector<std::u32string_view> words_of(std::u32string_view text) {
  const auto belongs = [](char32_t c) { return c < 0x2e80 && py::is_word(c); };
  std::vector<std::u32string_view> words;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    while (at < text.size() && belongs(text[at])) ++at;
    if (at > begin) {
      words.push_back(text.substr(begin, at - begin));
    } else {
      ++at;
    }
  }
  return words;
}

std::vector<std::u32string> numbers_of(std::u32string_view text) {
  std::vector<std::u32string> numbers;
  for (size_t at = 0; at < text.size();) {
    if (!is_ascii_digit(text[at])) {
      ++at;
      continue;
    }
    std::u32string number;
    if (at > 0 && text[at - 1] == U'-' && (at == 1 || !py::is_word(text[at - 2]))) number.push_back(U'-');
    bool point = false;
    for (; at < text.size(); ++at) {
      const bool digit_follows = at + 1 < text.size() && is_ascii_digit(text[at + 1]);
      if (is_ascii_digit(text[at])) {
        number.push_back(text[at]);
      } else if (text[at] == U'.' && digit_follows && !point) {
        point = true;
        number.push_back(U'.');
      } else if (text[at] != U',' || !digit_follows || point) {
        break;
      }
    }
    numbers.push_back(std::move(number));
  }
  return numbers;
}

}  // namespace

std::u32string clean_choice(std::u32string_view text) {
  for (const std::u32string_view word : words_of(text)) {
    if (word.size() == 1 && is_choice(word[0])) return std::u32string(word);
  }
  return {};
}

std::u32string clean_choices(std::u32string_view text) {
  std::set<char32_t> letters;
  for (const std::u32string_view word : words_of(text)) {
    if (std::all_of(word.begin(), word.end(), is_choice)) letters.insert(word.begin(), word.end());
  }
  return {letters.begin(), letters.end()};
}

std::u32string clean_number(std::u32string_view text) {
  constexpr std::u32string_view kPhrase = U"the answer is";
  const std::u32string lowered = py::lower(text);
  const size_t at = lowered.rfind(kPhrase);
  if (at != std::u32string::npos) {
    const std::vector<std::u32string> after =
        numbers_of(std::u32string_view(lowered).substr(at + kPhrase.size()));
    return after.empty() ? std::u32string() : after.front();
  }
  const std::vector<std::u32string> all = numbers_of(text);
  return all.empty() ? std::u32string() : all.back();
}

}  // namespace longscroll
