#include "report/text.h"

#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "base/utf8.h"

namespace longscroll::report {
namespace {

constexpr uint32_t kControlPictures = 0x2400;  // U+2400 + n shows control character n
constexpr uint32_t kDelete = 0x7F;
constexpr uint32_t kDeletePicture = 0x2421;
constexpr uint32_t kFirstWide = 0x1100;  // Hangul Jamo, the first wide block; CJK and its punctuation follow

void append_visible(std::string& out, uint32_t code_point) {
  if (code_point == kDelete) {
    append_utf8(out, kDeletePicture);
  } else if (code_point < 0x20) {
    append_utf8(out, kControlPictures + code_point);
  } else {
    append_utf8(out, code_point);
  }
}

void append_markup(std::string& out, uint32_t code_point) {
  switch (code_point) {
    case '&':
      out += "&amp;";
      return;
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '"':
      out += "&quot;";
      return;
    case '\'':
      out += "&#39;";
      return;
    case '\n':
      out += '\n';
      return;
    case '\t':
      out += '\t';
      return;
    default:
      append_visible(out, code_point);
  }
}

template <typename Append>
std::string by_character(std::string_view text, Append append) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Char character = decode_utf8(text, at);
    append(out, character.code_point);
    at += character.length;
  }
  return out;
}

}  // namespace

std::string markup(std::string_view text) {
  return by_character(text, append_markup);
}

std::string markdown(std::string_view text) {
  return by_character(text, [](std::string& out, uint32_t code_point) {
    constexpr std::string_view kMarkup = "\\`*_{}[]<>|#!~&$";
    if (code_point < 0x80 && kMarkup.find(static_cast<char>(code_point)) != std::string_view::npos) {
      out += '\\';
    }
    if (code_point == '\n' || code_point == '\t' || code_point == '\r') {
      out += ' ';
    } else {
      append_visible(out, code_point);
    }
  });
}

std::string csv(std::string_view text) {
  std::string valid = replace_invalid_utf8(text);
  if (valid.find_first_of(",\"\r\n") == std::string::npos) return valid;
  std::string out = "\"";
  for (const char c : valid) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string script_json(const nlohmann::ordered_json& json) {
  const std::string plain = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  // All of these stand inside strings alone, where \u is allowed.
  return by_character(plain, [](std::string& out, uint32_t code_point) {
    const bool risky = code_point == '<' || code_point == '>' || code_point == '&' || code_point == kDelete ||
                       code_point == 0x2028 || code_point == 0x2029;
    if (risky) {
      out += fmt::format("\\u{:04x}", code_point);
    } else {
      append_utf8(out, code_point);
    }
  });
}

std::string shortened(std::string_view text, size_t limit) {
  std::string valid = replace_invalid_utf8(text);
  size_t at = 0;
  for (size_t count = 0; at < valid.size(); ++count) {
    if (count == limit) return valid.substr(0, at) + "…";
    at += decode_utf8(valid, at).length;
  }
  return valid;
}

std::string thousands(uint64_t count) {
  const std::string digits = fmt::format("{}", count);
  std::string grouped;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

std::string fixed(double value, int decimals) {
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  return text.find_first_not_of("-0.") == std::string::npos ? fmt::format("{:.{}f}", 0.0, decimals) : text;
}

std::string signed_fixed(double value, int decimals) {
  std::string text = fixed(value, decimals);
  if (text.find_first_not_of("0.") == std::string::npos) return text;
  return text.front() == '-' ? fmt::format("−{}", text.substr(1)) : fmt::format("+{}", text);
}

std::string length_label(uint64_t tokens) {
  if (tokens >= 1024 && tokens % 1024 == 0) return fmt::format("{}K", tokens / 1024);
  if (tokens >= 1000 && tokens % 1000 == 0) return fmt::format("{}k", tokens / 1000);
  return thousands(tokens);
}

std::string file_stem(std::string_view text) {
  std::string stem;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    if (plain) {
      stem += c;
    } else if (!stem.empty() && stem.back() != '-') {
      stem += '-';
    }
  }
  while (!stem.empty() && stem.back() == '-') stem.pop_back();
  return stem.empty() ? "run" : stem.substr(0, 60);
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char character = decode_utf8(text, at);
    width += character.code_point >= kFirstWide &&
                     (character.code_point < 0x2000 || character.code_point >= 0x2E80)
                 ? 2
                 : 1;
    at += character.length;
  }
  return width;
}

}  // namespace longscroll::report
