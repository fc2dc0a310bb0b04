// Which encoding bytes are in, and their conversion to UTF-8 without guessing at damaged characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

// What a byte order mark at the start says.
struct ByteOrderMark {
  const char* encoding;
  size_t length;
};
std::optional<ByteOrderMark> byte_order_mark(std::string_view bytes);

// UTF-8; nullopt when any sequence is not valid in `encoding` (an ICU name).
std::optional<std::string> convert_strictly(std::string_view bytes, const char* encoding);

struct DetectedText {
  std::string text;
  std::string encoding;
  std::vector<std::string> remarks;
};

// UTF-16 without a byte order mark: every unit an assigned character, with spaces, line ends or
// punctuation that other encodings cannot produce by chance.
std::optional<DetectedText> detect_utf16(std::string_view bytes);

// Encodings older than Unicode: GB18030 first, others when ICU is confident.
std::optional<DetectedText> detect_legacy(std::string_view bytes);

}  // namespace longscroll
