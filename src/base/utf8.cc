#include "base/utf8.h"

namespace longscroll {
namespace {

constexpr uint32_t kReplacement = 0xfffd;

uint8_t byte_at(std::string_view text, size_t pos) {
  return static_cast<uint8_t>(text[pos]);
}

struct Lead {
  uint32_t length;     // total bytes of the character; 0 when the byte cannot start one
  uint8_t second_min;  // allowed range of the second byte (Unicode table 3-7)
  uint8_t second_max;
};

Lead classify(uint8_t lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xc2) return {0, 0, 0};
  if (lead < 0xe0) return {2, 0x80, 0xbf};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead < 0xf0) return {3, 0x80, 0xbf};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead < 0xf4) return {4, 0x80, 0xbf};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

// Length of the valid prefix of the character at pos (>= 1 when the lead byte is valid).
uint32_t valid_prefix(std::string_view text, size_t pos, const Lead& lead) {
  uint32_t length = 1;
  while (length < lead.length && pos + length < text.size()) {
    const uint8_t next = byte_at(text, pos + length);
    const uint8_t low = length == 1 ? lead.second_min : 0x80;
    const uint8_t high = length == 1 ? lead.second_max : 0xbf;
    if (next < low || next > high) break;
    ++length;
  }
  return length;
}

}  // namespace

Utf8Char decode_utf8(std::string_view text, size_t pos) {
  const uint8_t first = byte_at(text, pos);
  const Lead lead = classify(first);
  if (lead.length == 0) return {kReplacement, 1, false};
  const uint32_t length = valid_prefix(text, pos, lead);
  if (length < lead.length) return {kReplacement, length, false};
  if (length == 1) return {first, 1, true};
  uint32_t code_point = first & (0x7fu >> length);
  for (uint32_t i = 1; i < length; ++i) code_point = (code_point << 6) | (byte_at(text, pos + i) & 0x3fu);
  return {code_point, length, true};
}

void append_utf8(std::string& out, uint32_t code_point) {
  const auto push = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    push(code_point);
  } else if (code_point < 0x800) {
    push(0xc0 | (code_point >> 6));
    push(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    push(0xe0 | (code_point >> 12));
    push(0x80 | ((code_point >> 6) & 0x3f));
    push(0x80 | (code_point & 0x3f));
  } else {
    push(0xf0 | (code_point >> 18));
    push(0x80 | ((code_point >> 12) & 0x3f));
    push(0x80 | ((code_point >> 6) & 0x3f));
    push(0x80 | (code_point & 0x3f));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    if (!c.valid) return false;
    pos += c.length;
  }
  return true;
}

size_t count_code_points(std::string_view text) {
  size_t count = 0;
  for (size_t pos = 0; pos < text.size(); pos += decode_utf8(text, pos).length) ++count;
  return count;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    const Utf8Char c = decode_utf8(text, pos);
    if (c.valid) {
      out.append(text.substr(pos, c.length));
    } else {
      append_utf8(out, kReplacement);
    }
    pos += c.length;
  }
  return out;
}

size_t incomplete_utf8_suffix(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const size_t pos = text.size() - back;
    const Lead lead = classify(byte_at(text, pos));
    if (lead.length > back && valid_prefix(text, pos, lead) == back) return back;
  }
  return 0;
}

std::vector<size_t> code_point_offsets(std::string_view text) {
  std::vector<size_t> offsets;
  for (size_t pos = 0; pos < text.size(); pos += decode_utf8(text, pos).length) offsets.push_back(pos);
  offsets.push_back(text.size());
  return offsets;
}

}  // namespace longscroll
