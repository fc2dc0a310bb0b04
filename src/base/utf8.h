// UTF-8 as bytes: validity, code points, safe cuts. No tables: Unicode properties live in text/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

struct Utf8Char {
  uint32_t code_point;  // U+FFFD when the bytes are not valid UTF-8
  uint32_t length;      // bytes consumed, at least 1
  bool valid;
};

// Decodes the character at text[pos]; pos < text.size(). Surrogates, overlong forms and values above
// U+10FFFF are invalid and consume one byte, or the maximal valid prefix as Unicode's table 3-8 asks.
Utf8Char decode_utf8(std::string_view text, size_t pos);

void append_utf8(std::string& out, uint32_t code_point);
bool is_valid_utf8(std::string_view text);
size_t count_code_points(std::string_view text);

// Every maximal invalid sequence replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// Bytes at the end of `text` that begin a character which more bytes could complete; 0 to 3.
size_t incomplete_utf8_suffix(std::string_view text);

// Byte offset of each code point, and text.size() at the end.
std::vector<size_t> code_point_offsets(std::string_view text);

}  // namespace longscroll
