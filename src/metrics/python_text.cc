#include "metrics/python_text.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <unicode/uchar.h>

#include "base/utf8.h"
#include "base/white_space.h"

namespace longscroll::py {
namespace {

constexpr int kPythonUnicode = 14;  // major version of unicodedata.unidata_version

bool known(char32_t c) {
  if (c < 0x250) return true;
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] > 0 && age[0] <= kPythonUnicode;
}

bool has(char32_t c, UProperty property) {
  return known(c) && u_hasBinaryProperty(static_cast<UChar32>(c), property);
}

int numeric_type(char32_t c) {
  return known(c) ? u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_NUMERIC_TYPE) : U_NT_NONE;
}

// A capital sigma is final after a cased character and before none, case-ignorable ones not counted.
bool is_final_sigma(std::u32string_view text, size_t at) {
  size_t before = at;
  while (before > 0 && has(text[before - 1], UCHAR_CASE_IGNORABLE)) --before;
  if (before == 0 || !has(text[before - 1], UCHAR_CASED)) return false;
  size_t after = at + 1;
  while (after < text.size() && has(text[after], UCHAR_CASE_IGNORABLE)) ++after;
  return after == text.size() || !has(text[after], UCHAR_CASED);
}

bool is_article(std::u32string_view word, bool any_case) {
  if (word.empty() || word.size() > 3) return false;
  std::u32string small(word);
  if (any_case) {
    for (char32_t& c : small) {
      if (c >= U'A' && c <= U'Z') c += U'a' - U'A';
    }
  }
  return small == U"a" || small == U"an" || small == U"the";
}

// The text as float() reads it: ASCII as it is; with anything else, spaces and decimals of all scripts are
// turned into ASCII first. nullopt for what no number contains.
std::optional<std::string> number_as_ascii(std::u32string_view text) {
  bool ascii = true;
  for (const char32_t c : text) ascii = ascii && c < 0x80;
  std::string out;
  for (const char32_t c : text) {
    if (c < 0x7f || (ascii && c == 0x7f)) {
      out.push_back(static_cast<char>(c));
    } else if (is_space(c)) {
      out.push_back(' ');
    } else if (is_decimal(c)) {
      out.push_back(static_cast<char>('0' + u_charDigitValue(static_cast<UChar32>(c))));
    } else {
      return std::nullopt;
    }
  }
  const std::string_view spaces(" \t\n\v\f\r");
  const size_t first = out.find_first_not_of(spaces);
  if (first == std::string::npos) return std::nullopt;
  return out.substr(first, out.find_last_not_of(spaces) + 1 - first);
}

// Underscores may stand between two digits only, and are dropped.
std::optional<std::string> without_underscores(std::string_view text) {
  const auto digit_at = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out.push_back(text[i]);
    } else if (i == 0 || !digit_at(i - 1) || !digit_at(i + 1)) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<double> named_number(std::string_view text) {
  std::string small;
  for (const char c : text) small.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  if (small == "inf" || small == "infinity") return std::numeric_limits<double>::infinity();
  if (small == "nan") return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

// digits [. digits] [e [sign] digits], with a digit before the exponent.
bool is_decimal_literal(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - begin;
  };
  size_t found = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    found += digits();
  }
  if (found == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

// Whether a literal that no double holds is too large (else it is too small): the power of ten of its first
// digit that is not 0. An exponent that no int holds decides by its sign.
bool is_too_large(std::string_view literal) {
  const size_t exponent_at = std::min(literal.find_first_of("eE"), literal.size());
  const std::string_view mantissa = literal.substr(0, exponent_at);
  const size_t point = std::min(mantissa.find('.'), mantissa.size());
  const auto first = static_cast<double>(mantissa.find_first_of("123456789"));
  double power = static_cast<double>(point) - first;
  if (exponent_at < literal.size()) {
    std::string_view digits = literal.substr(exponent_at + 1);
    const bool negative = digits.front() == '-';
    if (digits.front() == '-' || digits.front() == '+') digits.remove_prefix(1);
    double exponent = 0;
    for (const char c : digits) exponent = std::min(1e9, exponent * 10 + (c - '0'));
    power += negative ? -exponent : exponent;
  }
  return power > 0;
}

}  // namespace

std::u32string decode(std::string_view utf8) {
  std::u32string out;
  out.reserve(utf8.size());
  for (size_t at = 0; at < utf8.size();) {
    const Utf8Char c = decode_utf8(utf8, at);
    out.push_back(c.code_point);
    at += c.length;
  }
  return out;
}

std::string encode(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) append_utf8(out, c);
  return out;
}

bool is_space(char32_t c) {
  return is_python_space(c);
}

bool is_word(char32_t c) {
  if (c < 0x80) {
    return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9') || c == U'_';
  }
  return known(c) && (u_isalpha(static_cast<UChar32>(c)) || numeric_type(c) != U_NT_NONE);
}

bool is_decimal(char32_t c) {
  if (c < 0x80) return c >= U'0' && c <= U'9';
  return numeric_type(c) == U_NT_DECIMAL;
}

bool is_digit(char32_t c) {
  const int type = numeric_type(c);
  return type == U_NT_DECIMAL || type == U_NT_DIGIT;
}

bool is_upper(char32_t c) {
  return has(c, UCHAR_UPPERCASE);
}

bool is_punctuation(char32_t c) {
  return (c >= 0x21 && c <= 0x2f) || (c >= 0x3a && c <= 0x40) || (c >= 0x5b && c <= 0x60) ||
         (c >= 0x7b && c <= 0x7e);
}

std::u32string lower(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c < 0x80) {
      out.push_back(c >= U'A' && c <= U'Z' ? c + (U'a' - U'A') : c);
    } else if (c == 0x130) {
      out.append(U"i\u0307");
    } else if (c == 0x3a3) {
      out.push_back(is_final_sigma(text, i) ? 0x3c2 : 0x3c3);
    } else {
      out.push_back(known(c) ? static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))) : c);
    }
  }
  return out;
}

std::vector<std::u32string> split(std::u32string_view text) {
  std::vector<std::u32string> words;
  for (size_t at = 0; at < text.size();) {
    while (at < text.size() && is_space(text[at])) ++at;
    const size_t begin = at;
    while (at < text.size() && !is_space(text[at])) ++at;
    if (at > begin) words.emplace_back(text.substr(begin, at - begin));
  }
  return words;
}

std::vector<std::u32string> split(std::u32string_view text, std::u32string_view separator) {
  std::vector<std::u32string> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    if (end == std::u32string_view::npos) {
      parts.emplace_back(text.substr(begin));
      return parts;
    }
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + separator.size();
  }
}

std::u32string join(const std::vector<std::u32string>& words, std::u32string_view separator) {
  std::u32string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out.append(separator);
    out.append(words[i]);
  }
  return out;
}

std::u32string strip(std::u32string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::u32string(text);
}

std::u32string replace(std::u32string_view text, std::u32string_view from, std::u32string_view to) {
  return join(split(text, from), to);
}

std::u32string collapse_spaces(std::u32string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_space(text[i])) {
      out.push_back(text[i]);
    } else if (i == 0 || !is_space(text[i - 1])) {
      out.push_back(U' ');
    }
  }
  return out;
}

std::u32string remove_spaces(std::u32string_view text) {
  std::u32string out;
  for (const char32_t c : text) {
    if (!is_space(c)) out.push_back(c);
  }
  return out;
}

std::u32string remove_punctuation(std::u32string_view text) {
  std::u32string out;
  for (const char32_t c : text) {
    if (!is_punctuation(c)) out.push_back(c);
  }
  return out;
}

std::u32string replace_articles(std::u32string_view text, std::u32string_view with, bool any_case) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    while (at < text.size() && is_word(text[at])) ++at;
    if (at == begin) {
      out.push_back(text[at++]);
    } else {
      const std::u32string_view word = text.substr(begin, at - begin);
      out.append(is_article(word, any_case) ? with : word);
    }
  }
  return out;
}

std::vector<std::u32string> find_numbers(std::u32string_view text) {
  std::vector<std::u32string> numbers;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    while (at < text.size() && is_decimal(text[at])) ++at;
    if (at > begin) {
      numbers.emplace_back(text.substr(begin, at - begin));
    } else {
      ++at;
    }
  }
  return numbers;
}

bool contains(std::u32string_view text, std::u32string_view part) {
  return text.find(part) != std::u32string_view::npos;
}

bool contains(std::u32string_view text, char32_t c) {
  return text.find(c) != std::u32string_view::npos;
}

std::optional<double> to_float(std::u32string_view text) {
  const std::optional<std::string> ascii = number_as_ascii(text);
  if (!ascii) return std::nullopt;
  const std::optional<std::string> plain = without_underscores(*ascii);
  if (!plain) return std::nullopt;
  std::string_view literal = *plain;
  const double sign = literal.starts_with('-') ? -1 : 1;
  if (literal.starts_with('-') || literal.starts_with('+')) literal.remove_prefix(1);
  if (const std::optional<double> named = named_number(literal)) return sign * *named;
  if (!is_decimal_literal(literal)) return std::nullopt;
  double value = 0;
  const std::from_chars_result read = std::from_chars(literal.data(), literal.data() + literal.size(), value);
  if (read.ec == std::errc::result_out_of_range) {
    value = is_too_large(literal) ? std::numeric_limits<double>::infinity() : 0;
  }
  return sign * value;
}

}  // namespace longscroll::py
