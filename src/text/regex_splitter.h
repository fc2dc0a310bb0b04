// Cuts text into pre-tokens with the regular expressions that tokenizers ship.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace longscroll {

// Immutable; safe to share between threads.
class RegexSplitter {
 public:
  // `pattern` is as the reference's engine (Oniguruma) reads it. Throws Error(kUnsupported), naming
  // `where`, when PCRE2 cannot compile it.
  RegexSplitter(std::string_view pattern, std::string_view where);

  // Appends the matches in `pieces` and the text between them, in order, nothing empty. The pieces
  // must be valid UTF-8; each is matched alone, without sight of its neighbours. Throws
  // Error(kUnsupported) when the pattern needs an absurd number of steps.
  std::vector<std::string_view> split(const std::vector<std::string_view>& pieces) const;

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
  std::string where_;
};

// The pattern in PCRE2's dialect: \s and \S must mean Unicode White_Space (PCRE2 counts U+180E too).
std::string pcre2_pattern(std::string_view pattern);

}  // namespace longscroll
