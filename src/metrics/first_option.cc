#include "metrics/first_option.h"

#include <cassert>
#include <memory>
#include <vector>

#include <unicode/regex.h>
#include <unicode/unistr.h>

#include "metrics/python_text.h"

namespace longscroll {
namespace {

enum class In { kAll, kNewer, kFused, kSeparate };

struct PatternRow {
  const char* text = nullptr;
  In in = In::kAll;
};

// In the evaluator's order. ~ stands for the options, and a $ within brackets is written \$.
constexpr PatternRow kPatterns[] = {
    {"答案是?\\s*([~])"},
    {"答案是?\\s*：\\s*([~])"},
    {"答案是?\\s*:\\s*([~])"},
    {"答案选项应?该?是\\s*([~])", In::kNewer},
    {"答案选项应?该?为\\s*([~])", In::kNewer},
    {"答案应该?是\\s*([~])"},
    {"答案应该?选\\s*([~])"},
    {"答案选项为?\\s*：\\s*([~])", In::kNewer},
    {"答案选项为?\\s+\\(?\\*?\\*?([~])\\*?\\*?\\)?", In::kNewer},
    {"答案选项是?\\s*:\\s*([~])", In::kNewer},
    {"答案为\\s*([~])"},
    {"答案选\\s*([~])"},
    {"选择?\\s*([~])"},
    {"故选?\\s*([~])只有选?项?\\s?([~])\\s?是?对", In::kFused},
    {"故选?\\s*([~])", In::kSeparate},
    {"只有选?项?\\s?([~])\\s?是?对", In::kSeparate},
    {"只有选?项?\\s?([~])\\s?是?错"},
    {"只有选?项?\\s?([~])\\s?不?正确"},
    {"只有选?项?\\s?([~])\\s?错误"},
    {"说法不?对选?项?的?是\\s?([~])"},
    {"说法不?正确选?项?的?是\\s?([~])"},
    {"说法错误选?项?的?是\\s?([~])"},
    {"([~])\\s?是正确的"},
    {"([~])\\s?是正确答案"},
    {"选项\\s?([~])\\s?正确"},
    {"所以答\\s?([~])"},
    {"所以\\s?([~][.。\\$]?$)"},
    {"所有\\s?([~][.。\\$]?$)"},
    {"[\\s，：:,]([~])[。，,\\.]?$"},
    {"[\\s，,：:][故即]([~])[。\\.]?$"},
    {"[\\s，,：:]因此([~])[。\\.]?$"},
    {"[是为。]\\s?([~])[。\\.]?$"},
    {"因此\\s?([~])[。\\.]?$"},
    {"显然\\s?([~])[。\\.]?$"},
    {"答案是\\s?(\\S+)(?:。|$)"},
    {"答案应该是\\s?(\\S+)(?:。|$)"},
    {"答案为\\s?(\\S+)(?:。|$)"},
    {"(?i)ANSWER\\s*:\\s*([~])", In::kNewer},
    {"[Tt]he answer is:?\\s+\\(?([~])\\)?"},
    {"[Tt]he answer is:?\\s+\\(?\\*?\\*?([~])\\*?\\*?\\)?", In::kNewer},
    {"[Tt]he answer is option:?\\s+\\(?([~])\\)?"},
    {"[Tt]he correct answer is:?\\s+\\(?([~])\\)?"},
    {"[Tt]he correct answer is option:?\\s+\\(?([~])\\)?"},
    {"[Tt]he correct answer is:?.*?boxed\\{([~])\\}", In::kNewer},
    {"[Tt]he correct option is:?.*?boxed\\{([~])\\}", In::kNewer},
    {"[Tt]he correct answer option is:?.*?boxed\\{([~])\\}", In::kNewer},
    {"[Tt]he answer to the question is:?\\s+\\(?([~])\\)?"},
    {"^选项\\s?([~])"},
    {"^([~])\\s?选?项"},
    {"(\\s|^)[~][\\s。，,：:\\.\\$]"},
    {"1.\\s?(.*?)$"},
    {"1.\\s?([~])[.。\\$]?$"},
    {"([~]):"},
    {"([~])"},
};

bool belongs(In in, FirstOption version) {
  switch (in) {
    case In::kNewer:
      return version != FirstOption::kOpenCompass026;
    case In::kFused:
      return version != FirstOption::kClean;
    case In::kSeparate:
      return version == FirstOption::kClean;
    case In::kAll:
      return true;
  }
  return true;
}

// Python's \s and \S, which ICU has other sets for, written out; and ~ as the options.
std::string spelled_out(std::string_view pattern) {
  constexpr std::string_view kSpaces =
      R"(\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000)";
  std::string out;
  bool in_brackets = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    const char next = c == '\\' ? pattern[i + 1] : '\0';
    if (next == 's' || next == 'S') {
      if (!in_brackets) out += next == 's' ? "[" : "[^";
      out += kSpaces;
      if (!in_brackets) out += "]";
      ++i;
    } else if (c == '\\') {
      out += pattern.substr(i, 2);
      ++i;
    } else if (c == '~') {
      out += "ABCD";
    } else {
      if (c == '[') in_brackets = true;
      if (c == ']') in_brackets = false;
      out += c;
    }
  }
  return out;
}

using Pattern = std::unique_ptr<const icu::RegexPattern>;

// `$` as in Python, before a last line feed only, and a dot for every character.
std::vector<Pattern> compile_patterns(FirstOption version) {
  std::vector<Pattern> patterns;
  for (const PatternRow& row : kPatterns) {
    if (!belongs(row.in, version)) continue;
    UErrorCode status = U_ZERO_ERROR;
    patterns.emplace_back(icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(spelled_out(row.text)),
                                                     UREGEX_DOTALL | UREGEX_UNIX_LINES, status));
    assert(U_SUCCESS(status));
  }
  return patterns;
}

const std::vector<Pattern>& patterns_of(FirstOption version) {
  static const std::vector<Pattern> old = compile_patterns(FirstOption::kOpenCompass026);
  static const std::vector<Pattern> newer = compile_patterns(FirstOption::kNewer);
  static const std::vector<Pattern> clean = compile_patterns(FirstOption::kClean);
  if (version == FirstOption::kOpenCompass026) return old;
  return version == FirstOption::kNewer ? newer : clean;
}

// What the pattern found; newer versions take the first group, unless it is empty or took no part.
icu::UnicodeString found_text(icu::RegexMatcher& matcher, FirstOption version, UErrorCode& status) {
  if (version != FirstOption::kOpenCompass026 && matcher.groupCount() > 0) {
    const icu::UnicodeString group = matcher.group(1, status);
    if (!group.isEmpty()) return group;
  }
  return matcher.group(status);
}

}  // namespace

std::u32string first_option(std::u32string_view text, FirstOption version) {
  const std::u32string stripped =
      version == FirstOption::kOpenCompass026 ? std::u32string(text) : py::strip(text);
  const icu::UnicodeString subject = icu::UnicodeString::fromUTF8(py::encode(stripped));
  for (const Pattern& pattern : patterns_of(version)) {
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::RegexMatcher> matcher(pattern->matcher(subject, status));
    matcher->setStackLimit(0, status);  // a long answer may need more than ICU's 8 MB
    if (!matcher->find(status)) continue;
    const icu::UnicodeString found = found_text(*matcher, version, status);
    for (const char16_t option : std::u16string_view(u"ABCD")) {
      if (found.indexOf(option) >= 0) return std::u32string(1, option);
    }
  }
  return {};
}

}  // namespace longscroll
