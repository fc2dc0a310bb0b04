// Files of the source tree that are linked into the program (cmake/LongscrollEmbed.cmake).
#pragma once

#include <string_view>

namespace longscroll::report {

std::string_view published_json();  // reports/published.json
std::string_view page_css();        // src/report/page.css
std::string_view page_js();         // src/report/page.js
std::string_view figure_css();      // src/report/figure.css

}  // namespace longscroll::report
