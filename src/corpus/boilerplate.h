// Lines that belong to a page and not to its text: navigation, notices, headers and footers that come again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace longscroll::corpus {

struct BoilerplateSettings {
  bool navigation = true;       // take out short lines of menus and notices
  uint64_t repeated_lines = 4;  // a line that is there so often stays once, as running headers do; 0: off
};

struct Boilerplate {
  std::string text;
  uint64_t navigation = 0;  // lines taken out
  uint64_t repeated = 0;
};

// A line of navigation is at most 100 characters long and says nothing but one of the phrases of the list
// (English and Chinese: sign in, share, cookies, all rights reserved, 上一篇, 版权所有, …), or is a menu:
// three or more parts of at most four words between | > » · or /. Repeated lines have at least 4 letters or
// digits, so that rules and braces stay; of them the first stays. `text` is UTF-8.
Boilerplate remove_boilerplate(std::string_view text, const BoilerplateSettings& settings);

}  // namespace longscroll::corpus
