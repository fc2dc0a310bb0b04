// White space by Python's rule, which the reference implementations of templates and benchmarks go by:
// Unicode's own, and four separators of ASCII (str.isspace, \s of re).
#pragma once

#include <cstdint>
#include <string_view>

namespace longscroll {

constexpr bool is_python_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

// str.strip() of UTF-8 text; bytes that are not UTF-8 are no white space.
std::string_view strip_python_space(std::string_view text);

}  // namespace longscroll
