// Single characters of answers.
#pragma once

namespace longscroll {

inline bool is_ascii_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}

// One of a question's four options.
inline bool is_choice(char32_t c) {
  return c >= U'A' && c <= U'D';
}

}  // namespace longscroll
