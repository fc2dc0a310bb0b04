// Which language a text is in, by CLD2 (Google's Compact Language Detector 2).
#pragma once

#include <string>
#include <string_view>

namespace longscroll::corpus {

struct Language {
  std::string code = "un";  // CLD2's: "en", "zh" (simplified), "zh-Hant", …; "un": it cannot tell
  double share = 0;         // of the text's bytes, 0 to 1
};

// Of a long text, of its first, middle and last 16 KiB. `text` is UTF-8. Safe to call from many threads.
Language detect_language(std::string_view text);

}  // namespace longscroll::corpus
