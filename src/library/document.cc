#include "library/document.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <unicode/uchar.h>

#include "base/error.h"
#include "base/utf8.h"
#include "library/encoding.h"

namespace longscroll {
namespace {

constexpr const char* kPlainTextHint =
    "Plain text in UTF-8, UTF-16 or GB18030 is read; convert the file first.";

// Formats that people take for text, told apart by their first bytes.
struct KnownFormat {
  std::string_view magic;
  const char* name;
};
constexpr std::array kKnownFormats = {
    KnownFormat{"%PDF-", "a PDF"},
    KnownFormat{"PK\x03\x04", "a ZIP archive (DOCX, EPUB, ODT, …)"},
    KnownFormat{"{\\rtf", "an RTF document"},
    KnownFormat{"GGUF", "a GGUF model"},
    KnownFormat{"\x1F\x8B", "a gzip archive"},
};

void check_known_formats(std::string_view bytes, const std::string& where) {
  for (const KnownFormat& format : kKnownFormats) {
    if (!bytes.starts_with(format.magic)) continue;
    throw Error(ErrorKind::kUnsupported, where, fmt::format("must be plain text, found {}", format.name),
                kPlainTextHint);
  }
}

bool is_control(char c) {
  const auto byte = static_cast<uint8_t>(c);
  if (byte == 0x7F) return true;
  return byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f' && byte != '\v';
}

// A stray escape character does not make a text binary; one in a hundred does.
void check_is_text(std::string_view utf8, const std::string& where) {
  const auto controls = static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), is_control));
  const bool has_nul = utf8.find('\0') != std::string_view::npos;
  if (!has_nul && controls * 100 <= utf8.size()) return;
  throw Error(ErrorKind::kFile, where,
              fmt::format("must be text, found binary data ({} control characters in {} bytes)", controls,
                          utf8.size()),
              kPlainTextHint);
}

bool is_blank(std::string_view utf8) {
  for (size_t i = 0; i < utf8.size();) {
    const Utf8Char c = decode_utf8(utf8, i);
    const bool invisible = c.code_point == 0xFEFF || c.code_point == 0x200B;
    if (!invisible && !u_isUWhiteSpace(static_cast<UChar32>(c.code_point))) return false;
    i += c.length;
  }
  return true;
}

struct Utf8Faults {
  size_t whole = 0;  // valid characters of two bytes and more
  size_t broken = 0;
  size_t first_offset = 0;
};

Utf8Faults find_utf8_faults(std::string_view bytes) {
  Utf8Faults faults;
  for (size_t i = 0; i < bytes.size();) {
    const Utf8Char c = decode_utf8(bytes, i);
    if (!c.valid && faults.broken++ == 0) faults.first_offset = i;
    if (c.valid && c.length > 1) ++faults.whole;
    i += c.length;
  }
  return faults;
}

[[noreturn]] void throw_damaged_utf8(std::string_view bytes, const Utf8Faults& faults,
                                     const std::string& where) {
  const auto line =
      1 + std::count(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(faults.first_offset), '\n');
  throw Error(ErrorKind::kFile, where,
              fmt::format("must be valid UTF-8, found {} damaged place(s), the first at byte {} (line {})",
                          faults.broken, faults.first_offset, line),
              "Repair the file, or drop the damaged bytes: iconv -c -f UTF-8 -t UTF-8 IN > OUT");
}

DetectedText decode_marked(std::string_view bytes, const ByteOrderMark& mark, const std::string& where) {
  std::optional<std::string> text = convert_strictly(bytes.substr(mark.length), mark.encoding);
  if (!text) {
    throw Error(
        ErrorKind::kFile, where,
        fmt::format("must be {} as its byte order mark says, found damaged characters", mark.encoding),
        "Repair the file, or save it as UTF-8.");
  }
  return {std::move(*text), mark.encoding, {}};
}

DetectedText decode_unmarked(std::string bytes, const std::string& where) {
  const bool has_nul = bytes.find('\0') != std::string::npos;
  if (!has_nul && is_valid_utf8(bytes)) return {std::move(bytes), "UTF-8", {}};
  if (std::optional<DetectedText> text = detect_utf16(bytes)) return std::move(*text);
  check_is_text(bytes, where);
  // Text of another encoding hardly ever forms UTF-8 characters by chance.
  const Utf8Faults faults = find_utf8_faults(bytes);
  if (faults.whole > 2 * faults.broken) throw_damaged_utf8(bytes, faults, where);
  if (std::optional<DetectedText> text = detect_legacy(bytes)) return std::move(*text);
  throw Error(ErrorKind::kFile, where, "must be in an encoding that can be told, found bytes that fit none",
              "Save it as UTF-8, or: iconv -f ENCODING -t UTF-8 IN > OUT");
}

}  // namespace

Document decode_document(std::string bytes, const std::string& where) {
  if (bytes.empty()) throw Error(ErrorKind::kFile, where, "must hold text, found an empty file");
  check_known_formats(bytes, where);
  const uint64_t size = bytes.size();
  const std::optional<ByteOrderMark> mark = byte_order_mark(bytes);
  DetectedText decoded = mark ? decode_marked(bytes, *mark, where) : decode_unmarked(std::move(bytes), where);
  check_is_text(decoded.text, where);
  if (is_blank(decoded.text)) {
    throw Error(ErrorKind::kFile, where, "must hold text, found only white space");
  }
  Document document;
  document.characters = count_code_points(decoded.text);
  document.text = std::move(decoded.text);
  document.encoding = std::move(decoded.encoding);
  document.bytes = size;
  document.remarks = std::move(decoded.remarks);
  return document;
}

Document read_document(const std::filesystem::path& path) {
  FileBytes file = read_file_bytes(path);
  Document document = decode_document(std::move(file.bytes), path.string());
  document.stamp = file.stamp;
  return document;
}

}  // namespace longscroll
