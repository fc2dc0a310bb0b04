#include "text/byte_alphabet.h"

#include "base/utf8.h"

namespace longscroll {
namespace {

constexpr uint32_t kAlphabetEnd = 0x100 + 68;

bool stands_for_itself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

std::array<uint32_t, 256> code_points_of_bytes() {
  std::array<uint32_t, 256> points{};
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) points[byte] = stands_for_itself(byte) ? byte : next++;
  return points;
}

std::array<int16_t, kAlphabetEnd> bytes_of_code_points() {
  std::array<int16_t, kAlphabetEnd> bytes{};
  bytes.fill(-1);
  const auto points = code_points_of_bytes();
  for (size_t byte = 0; byte < points.size(); ++byte) bytes[points[byte]] = static_cast<int16_t>(byte);
  return bytes;
}

}  // namespace

const std::array<std::string, 256>& byte_spellings() {
  static const std::array<std::string, 256> spellings = [] {
    std::array<std::string, 256> made;
    const auto points = code_points_of_bytes();
    for (size_t byte = 0; byte < made.size(); ++byte) append_utf8(made[byte], points[byte]);
    return made;
  }();
  return spellings;
}

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  static const auto bytes = bytes_of_code_points();
  std::string out;
  for (size_t pos = 0; pos < spelling.size();) {
    const Utf8Char c = decode_utf8(spelling, pos);
    if (!c.valid || c.code_point >= kAlphabetEnd || bytes[c.code_point] < 0) return std::nullopt;
    out.push_back(static_cast<char>(bytes[c.code_point]));
    pos += c.length;
  }
  return out;
}

}  // namespace longscroll
