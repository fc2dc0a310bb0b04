#include "corpus/language.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

#include <array>

#include "base/utf8.h"

namespace longscroll::corpus {
namespace {

constexpr size_t kSampleBytes = size_t{16} << 10;

// From about `at` on, without characters cut in two.
std::string_view part(std::string_view text, size_t at) {
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0u) == 0x80) ++at;
  const std::string_view cut = text.substr(at, kSampleBytes);
  return cut.substr(0, cut.size() - incomplete_utf8_suffix(cut));
}

std::string sample_of(std::string_view text) {
  if (text.size() <= 3 * kSampleBytes) return std::string(text);
  std::string sample(part(text, 0));
  for (const size_t at : {text.size() / 2, text.size() - kSampleBytes}) {
    sample += '\n';
    sample += part(text, at);
  }
  return sample;
}

}  // namespace

Language detect_language(std::string_view text) {
  const std::string sample = sample_of(text);
  constexpr bool kPlainText = true;
  const CLD2::CLDHints hints = {nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  std::array<CLD2::Language, 3> languages = {CLD2::UNKNOWN_LANGUAGE, CLD2::UNKNOWN_LANGUAGE,
                                             CLD2::UNKNOWN_LANGUAGE};
  std::array<int, 3> percents = {0, 0, 0};
  std::array<double, 3> scores = {0, 0, 0};
  int text_bytes = 0;
  bool is_reliable = false;
  CLD2::ExtDetectLanguageSummary(sample.data(), static_cast<int>(sample.size()), kPlainText, &hints, 0,
                                 languages.data(), percents.data(), scores.data(), nullptr, &text_bytes,
                                 &is_reliable);
  if (languages[0] == CLD2::UNKNOWN_LANGUAGE) return {};
  return {CLD2::LanguageCode(languages[0]), percents[0] / 100.0};
}

}  // namespace longscroll::corpus
