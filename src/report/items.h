// The items of the runs, as the page's JavaScript reads them (page.js). Texts are cut so that the page stays
// usable.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "report/run.h"

namespace longscroll::report {

inline constexpr size_t kMostItems = 20'000;  // in a page, all runs together

// Characters at which a text of a page with so many items is cut.
size_t text_limit(size_t items);

struct NamedRun {
  std::string label;
  const Run* run = nullptr;
};

// JSON, safe inside a <script> element. It says itself what was cut.
std::string items_json(const std::vector<NamedRun>& runs);

}  // namespace longscroll::report
