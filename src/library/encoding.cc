#include "library/encoding.h"

#include <array>
#include <memory>

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#include "base/utf8.h"

namespace longscroll {
namespace {

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

struct CloseDetector {
  void operator()(UCharsetDetector* detector) const { ucsdet_close(detector); }
};

// ICU names single-byte results with high confidence only when letter pairs of a language match: Russian
// and French paragraphs score 36 to 50, wrong guesses stay below 32 (measured on short paragraphs).
constexpr int kConfident = 35;

constexpr double kMinCommonHan = 0.8;

// Accented letters stand alone among plain ones; pairs of them that are all common Chinese characters mean
// an English text with Chinese names in it, which ICU takes for Western European.
bool is_western(const std::string& encoding) {
  for (const char* name :
       {"ISO-8859-1", "ISO-8859-2", "ISO-8859-9", "windows-1250", "windows-1252", "windows-1254"}) {
    if (encoding == name) return true;
  }
  return false;
}

struct Match {
  std::string encoding;
  int confidence;
};

std::vector<Match> icu_matches(std::string_view bytes) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, CloseDetector> detector(ucsdet_open(&status));
  // The first megabytes decide; the strict conversion that follows checks the rest.
  const std::string_view sample = bytes.substr(0, 4u << 20);
  ucsdet_setText(detector.get(), sample.data(), static_cast<int32_t>(sample.size()), &status);
  int32_t count = 0;
  const UCharsetMatch** found = ucsdet_detectAll(detector.get(), &count, &status);
  std::vector<Match> matches;
  if (U_FAILURE(status)) return matches;
  for (int32_t i = 0; i < count; ++i) {
    const std::string name = ucsdet_getName(found[i], &status);
    // Right-to-left guesses of EBCDIC and ICU's own UTF guesses are not what a legacy file can be here.
    if (name.starts_with("UTF-") || name.starts_with("IBM")) continue;
    matches.push_back({name, ucsdet_getConfidence(found[i], &status)});
  }
  return matches;
}

// Of the two-byte characters, the share among GB 2312's 3755 most used ones and its punctuation: nearly
// all in Chinese text, about a third in random bytes.
double common_han_share(std::string_view bytes) {
  size_t pairs = 0;
  size_t common = 0;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    const auto lead = static_cast<uint8_t>(bytes[i]);
    if (lead < 0x80) continue;
    const auto trail = static_cast<uint8_t>(bytes[++i]);
    ++pairs;
    const bool punctuation = lead == 0xA1 || lead == 0xA3;
    if (trail >= 0xA1 && (punctuation || (lead >= 0xB0 && lead <= 0xD7))) ++common;
  }
  return pairs == 0 ? 0.0 : static_cast<double>(common) / static_cast<double>(pairs);
}

bool is_separator(uint32_t c) {
  // Bytes 00, 01, 02 or FF in each: no text encoding of one or two bytes has them.
  return c == '\n' || c == ' ' || c == ',' || c == '.' || c == 0x3001 || c == 0x3002 || c == 0xFF0C;
}

bool is_plausible(uint32_t c) {
  if (c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0xFEFF) return true;
  const int8_t type = u_charType(static_cast<UChar32>(c));
  return type != U_UNASSIGNED && type != U_CONTROL_CHAR && type != U_PRIVATE_USE_CHAR && type != U_SURROGATE;
}

// Number of separators, nullopt when some character is none that a text has.
std::optional<size_t> count_separators(std::string_view utf8) {
  size_t separators = 0;
  for (size_t i = 0; i < utf8.size();) {
    const Utf8Char c = decode_utf8(utf8, i);
    if (!is_plausible(c.code_point)) return std::nullopt;
    separators += is_separator(c.code_point) ? 1 : 0;
    i += c.length;
  }
  return separators;
}

}  // namespace

std::optional<ByteOrderMark> byte_order_mark(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xEF\xBB\xBF"sv)) return ByteOrderMark{"UTF-8", 3};
  if (bytes.starts_with("\xFF\xFE\0\0"sv) && bytes.size() % 4 == 0) return ByteOrderMark{"UTF-32LE", 4};
  if (bytes.starts_with("\0\0\xFE\xFF"sv)) return ByteOrderMark{"UTF-32BE", 4};
  if (bytes.starts_with("\xFF\xFE"sv)) return ByteOrderMark{"UTF-16LE", 2};
  if (bytes.starts_with("\xFE\xFF"sv)) return ByteOrderMark{"UTF-16BE", 2};
  if (bytes.starts_with("\x84\x31\x95\x33"sv)) return ByteOrderMark{"GB18030", 4};
  return std::nullopt;
}

std::optional<std::string> convert_strictly(std::string_view bytes, const char* encoding) {
  UErrorCode status = U_ZERO_ERROR;
  const Converter from(ucnv_open(encoding, &status));
  const Converter to(ucnv_open("UTF-8", &status));
  if (U_FAILURE(status)) return std::nullopt;
  ucnv_setToUCallBack(from.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
  ucnv_setFromUCallBack(to.get(), UCNV_FROM_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);

  std::string text;
  const char* source = bytes.data();
  const char* source_end = source + bytes.size();
  std::array<UChar, 4096> pivot{};
  UChar* pivot_source = pivot.data();
  UChar* pivot_target = pivot.data();
  bool reset = true;
  for (;;) {
    std::array<char, 8192> out{};
    char* target = out.data();
    ucnv_convertEx(to.get(), from.get(), &target, out.data() + out.size(), &source, source_end, pivot.data(),
                   &pivot_source, &pivot_target, pivot.data() + pivot.size(), reset, true, &status);
    text.append(out.data(), target);
    reset = false;
    if (status == U_BUFFER_OVERFLOW_ERROR) {
      status = U_ZERO_ERROR;
    } else if (U_FAILURE(status)) {
      return std::nullopt;
    } else {
      return text;
    }
  }
}

std::optional<DetectedText> detect_utf16(std::string_view bytes) {
  if (bytes.size() % 2 != 0) return std::nullopt;
  std::optional<DetectedText> best;
  size_t best_separators = 0;
  for (const char* encoding : {"UTF-16LE", "UTF-16BE"}) {
    std::optional<std::string> text = convert_strictly(bytes, encoding);
    if (!text) continue;
    const size_t separators = count_separators(*text).value_or(0);
    if (separators > best_separators) {
      best_separators = separators;
      best = DetectedText{std::move(*text), encoding, {}};
    }
  }
  if (best) best->remarks.push_back(fmt::format("no byte order mark: taken for {}", best->encoding));
  return best;
}

std::optional<DetectedText> detect_legacy(std::string_view bytes) {
  const std::vector<Match> matches = icu_matches(bytes);  // best first
  std::optional<std::string> chinese = convert_strictly(bytes, "GB18030");
  int gb18030 = 0;
  for (const Match& match : matches) {
    if (match.encoding == "GB18030") gb18030 = match.confidence;
  }
  const bool looks_chinese = chinese && common_han_share(bytes) >= kMinCommonHan;
  for (const Match& match : matches) {
    if (match.confidence < kConfident || (looks_chinese && is_western(match.encoding))) break;
    if (chinese && gb18030 >= match.confidence) return DetectedText{std::move(*chinese), "GB18030", {}};
    std::optional<std::string> text = convert_strictly(bytes, match.encoding.c_str());
    if (!text) continue;
    return DetectedText{
        std::move(*text),
        match.encoding,
        {fmt::format("taken for {} (confidence {} of 100)", match.encoding, match.confidence)}};
  }
  if (looks_chinese) {
    return DetectedText{std::move(*chinese), "GB18030", {"taken for GB18030 by its common characters"}};
  }
  return std::nullopt;
}

}  // namespace longscroll
