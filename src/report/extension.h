// The page of a model whose window was extended: long and short texts before and after, always together, and
// the base that was chosen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/page.h"
#include "report/rope_map.h"
#include "report/run.h"

namespace longscroll::report {

// One measure at one length; a side is missing where it was not measured.
struct BeforeAfter {
  uint64_t length = 0;  // tokens
  std::optional<double> before;
  std::optional<double> after;
};

struct Extension {
  uint64_t old_window = 0;
  uint64_t window = 0;
  std::vector<std::pair<std::string, std::string>> bases;  // whose, and which: "2310.05209 …", "1.92e5"
  std::vector<std::string> findings;                       // sentences on them
  std::vector<std::string> facts;                          // sentences on what was done
  RopeMap map;                                             // methods kBefore and kAfter
  std::vector<BeforeAfter> needle;                         // 0 to 100 by rising length; empty: not asked
};

inline constexpr const char* kBefore = "before";
inline constexpr const char* kAfter = "after";

std::vector<BeforeAfter> perplexities(const RopeMap& map);
// Means over the depths, of the first language of each run; empty unless both are needle runs.
std::vector<BeforeAfter> needle_scores(const Run& before, const Run& after);

// "Perplexity at 4,096 tokens: 97.31 before, 8.02 after; at 512, …": the two windows, in one sentence.
std::string headline(const Extension& extension);

std::vector<Section> extension_sections(const Extension& extension);

}  // namespace longscroll::report
