#include "corpus/normalize_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include "base/error.h"
#include "base/utf8.h"

namespace longscroll::corpus {
namespace {

constexpr int kMostDecodings = 3;
constexpr uint64_t kCompany = 2;  // runs that decode, at the least, unless one is of three bytes or more
constexpr uint64_t kForEachBad = 9;

// Windows-1252's characters of bytes 0x80 to 0x9F (WHATWG Encoding Standard); the five that it lacks stand
// for the control characters of Latin-1.
constexpr std::array<uint16_t, 32> kWindows = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178};

// The byte that such a decoder made the character of; only of bytes above 0x7F.
std::optional<char> byte_of(uint32_t c) {
  if (c >= 0x80 && c <= 0xff) return static_cast<char>(c);
  const auto found = std::find(kWindows.begin(), kWindows.end(), c);
  if (found == kWindows.end()) return std::nullopt;
  return static_cast<char>(0x80 + (found - kWindows.begin()));
}

struct MisreadRun {
  size_t begin = 0;  // in the text
  size_t end = 0;
  std::string bytes;

  bool decodes() const { return bytes.size() >= 2 && is_valid_utf8(bytes); }
  bool looks_begun() const {
    const auto first = static_cast<unsigned char>(bytes.front());
    return first >= 0xc2 && first <= 0xf4;
  }
};

// Runs of characters that a byte each may have been made into.
std::vector<MisreadRun> find_runs(std::string_view text) {
  std::vector<MisreadRun> runs;
  for (size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Utf8Char c = decode_utf8(text, at);
    if (const std::optional<char> byte = byte_of(c.code_point)) {
      if (runs.empty() || runs.back().end != at) runs.push_back({at, at, {}});
      runs.back().bytes += *byte;
      runs.back().end = at + c.length;
    }
    at += c.length;
  }
  return runs;
}

Repair decode_again(std::string_view text) {
  const std::vector<MisreadRun> runs = find_runs(text);
  uint64_t good = 0, bad = 0;
  bool sure = false;
  for (const MisreadRun& run : runs) {
    const bool decodes = run.decodes();
    good += decodes ? 1 : 0;
    bad += !decodes && run.looks_begun() ? 1 : 0;
    sure = sure || (decodes && run.bytes.size() >= 3);
  }
  if (good == 0 || good < kForEachBad * bad || (good < kCompany && !sure)) return {};
  Repair repair;
  size_t copied = 0;
  for (const MisreadRun& run : runs) {
    if (!run.decodes()) continue;
    repair.text.append(text.substr(copied, run.begin - copied));
    repair.text.append(run.bytes);
    copied = run.end;
    ++repair.runs;
  }
  repair.text.append(text.substr(copied));
  return repair;
}

bool is_removed(uint32_t c) {
  if (c < 0x20) return c != '\t' && c != '\n';
  if (c < 0x7f) return false;
  return c < 0xa0 || c == 0xad || c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         c == 0x2060 || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || (c & 0xfffe) == 0xfffe ||
         (c >= 0xfdd0 && c <= 0xfdef);
}

bool is_line_end(uint32_t c) {
  return c == '\r' || c == 0x0b || c == 0x0c || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

Repair repair_mojibake(std::string_view text) {
  Repair repaired;
  for (int i = 0; i < kMostDecodings; ++i) {
    Repair once = decode_again(i == 0 ? text : std::string_view(repaired.text));
    if (once.runs == 0) break;
    repaired.runs += once.runs;
    repaired.text = std::move(once.text);
  }
  if (repaired.runs == 0) repaired.text = text;
  return repaired;
}

Repair remove_controls(std::string_view text) {
  Repair repair;
  repair.text.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte < 0x7f) {
      repair.text += text[at++];
      continue;
    }
    const Utf8Char c = decode_utf8(text, at);
    const size_t begin = at;
    at += c.length;
    if (is_line_end(c.code_point)) {
      // \r\n is one line end, and the usual one of half the world: no repair to speak of.
      if (c.code_point == '\r' && at < text.size() && text[at] == '\n') ++at;
      repair.text += '\n';
    } else if (is_removed(c.code_point)) {
      ++repair.runs;
    } else {
      repair.text.append(text.substr(begin, c.length));
    }
  }
  return repair;
}

std::string normalize_nfc(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  const icu::StringPiece piece(text.data(), static_cast<int32_t>(text.size()));
  if (U_SUCCESS(status) && nfc->isNormalizedUTF8(piece, status) && U_SUCCESS(status))
    return std::string(text);
  std::string out;
  out.reserve(text.size());
  icu::StringByteSink<std::string> sink(&out);
  if (U_SUCCESS(status)) nfc->normalizeUTF8(0, piece, sink, nullptr, status);
  if (U_FAILURE(status))
    throw Error(ErrorKind::kResource, "ICU", std::string("must normalise, found ") + u_errorName(status));
  return out;
}

double replaced_share(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  constexpr std::string_view kOfGbk = "锟斤拷";
  size_t found = 0;
  for (size_t at = 0; (at = text.find(kReplacement, at)) != std::string_view::npos; at += kReplacement.size())
    ++found;
  for (size_t at = 0; (at = text.find(kOfGbk, at)) != std::string_view::npos; at += kOfGbk.size()) found += 3;
  if (found == 0) return 0;
  return static_cast<double>(found) / static_cast<double>(count_code_points(text));
}

}  // namespace longscroll::corpus
