// OpenCompass's first_option_postprocess with the options A to D (opencompass/utils/text_postprocessors.py):
// a list of patterns, of which the first that leads to a letter decides.
#pragma once

#include <string>
#include <string_view>

namespace longscroll {

enum class FirstOption {
  kOpenCompass026,  // the report's; two patterns are one there, for want of a comma
  kNewer,  // a5acc4b: more patterns, the captured part instead of the whole match; the comma still lacks
  kClean,  // kNewer with the comma
};

// "" when no pattern finds one. Safe to call from any thread.
std::u32string first_option(std::u32string_view text, FirstOption version);

}  // namespace longscroll
