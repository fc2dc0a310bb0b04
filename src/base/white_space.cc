#include "base/white_space.h"

#include "base/utf8.h"

namespace longscroll {

std::string_view strip_python_space(std::string_view text) {
  while (!text.empty()) {
    const Utf8Char first = decode_utf8(text, 0);
    if (!first.valid || !is_python_space(first.code_point)) break;
    text.remove_prefix(first.length);
  }
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xc0u) == 0x80) --begin;
    const Utf8Char last = decode_utf8(text, begin);
    if (!last.valid || begin + last.length != text.size() || !is_python_space(last.code_point)) break;
    text = text.substr(0, begin);
  }
  return text;
}

}  // namespace longscroll
