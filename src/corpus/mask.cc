#include "corpus/mask.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"

namespace longscroll::corpus {
namespace {

// Bounds on every repetition: a hostile text must not make the matcher go back and forth.
constexpr const char* kEmail =
    R"((?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9]))";
constexpr const char* kPhone =
    R"((?<![\d.+-])(?:\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2,4})"
    R"(|\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}|1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{2,3}-\d{7,8})(?![\d-]))";
constexpr const char* kAddress =
    R"((?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![\d.]*\d))";

}  // namespace

struct Masker::Pattern {
  Pattern(const char* expression, std::string with_) : with(std::move(with_)) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression), PCRE2_ZERO_TERMINATED, 0, &error, &offset,
                         nullptr);
    assert(code != nullptr);
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without it, matching is slower and the same
    match = pcre2_match_data_create_from_pattern(code, nullptr);
  }
  ~Pattern() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;
  std::string with;
};

Masker::Masker(const MaskSettings& settings) {
  if (settings.email) patterns_.push_back(std::make_unique<Pattern>(kEmail, "<EMAIL>"));
  if (settings.address) patterns_.push_back(std::make_unique<Pattern>(kAddress, "<IP>"));
  if (settings.phone) patterns_.push_back(std::make_unique<Pattern>(kPhone, "<PHONE>"));
}

Masker::~Masker() = default;

Masked Masker::mask(std::string_view text) const {
  Masked masked{std::string(text), 0};
  for (const std::unique_ptr<Pattern>& pattern : patterns_) {
    std::string out;
    size_t copied = 0;
    for (;;) {
      const int found = pcre2_match(pattern->code, reinterpret_cast<PCRE2_SPTR>(masked.text.data()),
                                    masked.text.size(), copied, 0, pattern->match, nullptr);
      if (found == PCRE2_ERROR_NOMATCH) break;
      if (found < 0) {
        throw Error(ErrorKind::kResource, "mask",
                    fmt::format("must match its patterns, found PCRE2's error {}", found));
      }
      const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(pattern->match);
      out.append(masked.text, copied, ends[0] - copied);
      out += pattern->with;
      copied = ends[1];
      ++masked.count;
    }
    if (copied == 0) continue;
    out.append(masked.text, copied);
    masked.text = std::move(out);
  }
  return masked;
}

}  // namespace longscroll::corpus
