#include "text/regex_splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace longscroll {
namespace {

constexpr std::string_view kWhiteSpace = R"(\t-\r\x{85}\p{Z})";

struct MatchScratch {
  MatchScratch(const pcre2_code* code, size_t longest)
      : context(pcre2_match_context_create(nullptr)),
        data(pcre2_match_data_create_from_pattern(code, nullptr)),
        stack(pcre2_jit_stack_create(32 * 1024, 16 * 1024 * 1024, nullptr)) {
    // A run of white space is walked back once, so the steps of an honest pattern are linear in the text.
    const size_t steps = std::min<size_t>(std::numeric_limits<uint32_t>::max(), 10'000'000 + longest * 16);
    pcre2_set_match_limit(context, static_cast<uint32_t>(steps));
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~MatchScratch() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
  MatchScratch(const MatchScratch&) = delete;
  MatchScratch& operator=(const MatchScratch&) = delete;

  pcre2_match_context* context;
  pcre2_match_data* data;
  pcre2_jit_stack* stack;
};

std::string error_text(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

struct RegexSplitter::Code {
  explicit Code(pcre2_code* compiled) : code(compiled) {}
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  pcre2_code* code;
};

std::string pcre2_pattern(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next == 's') {
        out += in_class ? std::string(kWhiteSpace) : fmt::format("[{}]", kWhiteSpace);
      } else if (next == 'S' && !in_class) {
        out += fmt::format("[^{}]", kWhiteSpace);
      } else {
        out += c;
        out += next;
      }
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    out += c;
  }
  return out;
}

RegexSplitter::RegexSplitter(std::string_view pattern, std::string_view where) : where_(where) {
  const std::string translated = pcre2_pattern(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* compiled =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (compiled == nullptr) {
    throw Error(
        ErrorKind::kUnsupported, where_,
        fmt::format("the pre-tokenizer's pattern must be one that PCRE2 compiles, found '{}': {} at {}",
                    pattern, error_text(error), offset));
  }
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // without it the interpreter matches, only slower
  code_ = std::make_shared<const Code>(compiled);
}

std::vector<std::string_view> RegexSplitter::split(const std::vector<std::string_view>& pieces) const {
  size_t longest = 0;
  for (std::string_view piece : pieces) longest = std::max(longest, piece.size());
  const MatchScratch scratch(code_->code, longest);
  const PCRE2_SIZE* match = pcre2_get_ovector_pointer(scratch.data);
  std::vector<std::string_view> out;
  for (std::string_view piece : pieces) {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(piece.data());
    size_t done = 0;
    while (done < piece.size()) {
      const int rc = pcre2_match(code_->code, subject, piece.size(), done,
                                 PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, scratch.data, scratch.context);
      if (rc == PCRE2_ERROR_NOMATCH) break;
      if (rc < 0) {
        throw Error(ErrorKind::kUnsupported, where_,
                    fmt::format("the pre-tokenizer's pattern must match in bounded time, PCRE2 gave up: {}",
                                error_text(rc)));
      }
      // \K and look-arounds could set a start before `done`; such a match would repeat text.
      const size_t begin = std::max<size_t>(match[0], done);
      const size_t end = std::max<size_t>(match[1], begin);
      if (begin > done) out.push_back(piece.substr(done, begin - done));
      if (end > begin) out.push_back(piece.substr(begin, end - begin));
      if (end == done) break;
      done = end;
    }
    if (done < piece.size()) out.push_back(piece.substr(done));
  }
  return out;
}

}  // namespace longscroll
