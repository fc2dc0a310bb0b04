#include "report/extension.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "report/needle.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

// A rise of short texts' perplexity that is more than what another sample of texts would give.
constexpr double kShortLoss = 0.02;

double change(const BeforeAfter& at) {
  return *at.after / *at.before - 1;
}

bool is_whole(const BeforeAfter& at) {
  return at.before && at.after;
}

std::string number(const std::optional<double>& value, int decimals) {
  return value ? fixed(*value, decimals) : "–";
}

std::string percent(double share) {
  return signed_fixed(100 * share, 1) + "%";
}

struct Measure {
  const char* caption;
  int decimals;
  bool relative;  // a change is a share of what it was, not a difference
};

Row row_of(const BeforeAfter& at, const Measure& measure) {
  std::string changed = "–";
  if (is_whole(at))
    changed = measure.relative ? percent(change(at)) : signed_fixed(*at.after - *at.before, 1);
  return {{Cell(thousands(at.length) + " tokens"), Cell(number(at.before, measure.decimals)),
           Cell(number(at.after, measure.decimals)), Cell(changed)},
          RowKind::kPlain};
}

// Short above, long below.
Table table_of(const Extension& extension, const std::vector<BeforeAfter>& values, const Measure& measure) {
  Table table{
      measure.caption,
      {{"Context length", "", false}, {"Before", "", true}, {"After", "", true}, {"Change", "", true}},
      {}};
  const auto add_group = [&](const std::string& name, const auto& belongs) {
    bool named = false;
    for (const BeforeAfter& at : values) {
      if (!belongs(at)) continue;
      if (!named) table.rows.push_back({{Cell(name), Cell(), Cell(), Cell()}, RowKind::kGroup});
      named = true;
      table.rows.push_back(row_of(at, measure));
    }
  };
  const uint64_t old_window = extension.old_window;
  add_group(fmt::format("Short: within the old window of {}", thousands(old_window)),
            [&](const BeforeAfter& at) { return at.length <= old_window; });
  add_group(fmt::format("Long: up to the new window of {}", thousands(extension.window)),
            [&](const BeforeAfter& at) { return at.length > old_window; });
  return table;
}

const BeforeAfter* at_length(const std::vector<BeforeAfter>& values, uint64_t length) {
  const auto found = std::ranges::find(values, length, &BeforeAfter::length);
  return found == values.end() || !is_whole(*found) ? nullptr : &*found;
}

std::string side_by_side(const BeforeAfter& at) {
  return fmt::format("{} before, {} after ({})", fixed(*at.before, 2), fixed(*at.after, 2),
                     percent(change(at)));
}

Section summary_section(const Extension& extension) {
  Section section{"extension", "Long and short, before and after", {}};
  const std::vector<BeforeAfter> losses = perplexities(extension.map);
  section.blocks.emplace_back(Paragraph{headline(extension)});
  const BeforeAfter* short_texts = at_length(losses, extension.old_window);
  if (short_texts != nullptr && change(*short_texts) > kShortLoss) {
    section.blocks.emplace_back(Paragraph{
        fmt::format("Short texts got worse: {} of perplexity within the old window. A share of short "
                    "documents in the training data, or a lower rate, keeps more of it.",
                    percent(change(*short_texts))),
        true});
  }
  section.blocks.emplace_back(
      table_of(extension, losses,
               {"Perplexity of held-out texts, all lengths over the same texts: lower is better", 4, true}));
  if (!extension.needle.empty()) {
    section.blocks.emplace_back(
        table_of(extension, extension.needle,
                 {"Needle in a haystack, mean over the depths, 0 to 100: higher is better", 1, false}));
  }
  for (const std::string& fact : extension.facts) section.blocks.emplace_back(Paragraph{fact});
  return section;
}

Section base_section(const Extension& extension) {
  Section section{"base", "The rotary base", {}};
  Table table{"", {{"Which", "", false}, {"Base", "", true}}, {}};
  for (const auto& [whose, which] : extension.bases)
    table.rows.push_back({{Cell(whose), Cell(which)}, RowKind::kPlain});
  section.blocks.emplace_back(std::move(table));
  for (const std::string& finding : extension.findings) section.blocks.emplace_back(Paragraph{finding});
  return section;
}

}  // namespace

std::vector<BeforeAfter> perplexities(const RopeMap& map) {
  std::vector<BeforeAfter> values;
  for (const uint64_t length : map.lengths) {
    BeforeAfter& at = values.emplace_back(BeforeAfter{length, {}, {}});
    if (const RopeMapCell* cell = map.cell(kBefore, length)) at.before = cell->counted.perplexity();
    if (const RopeMapCell* cell = map.cell(kAfter, length)) at.after = cell->counted.perplexity();
  }
  return values;
}

std::vector<BeforeAfter> needle_scores(const Run& before, const Run& after) {
  if (!is_needle_run(before) || !is_needle_run(after)) return {};
  std::map<uint64_t, BeforeAfter> by_length;
  const auto take = [&by_length](const Run& run, std::optional<double> BeforeAfter::*side) {
    const NeedleMap map = needle_maps(run).front();
    for (const uint64_t length : map.lengths) {
      by_length[length].length = length;
      by_length[length].*side = map.mean_over_depths(length);
    }
  };
  take(before, &BeforeAfter::before);
  take(after, &BeforeAfter::after);
  std::vector<BeforeAfter> values;
  for (const auto& [length, at] : by_length) values.push_back(at);
  return values;
}

std::string headline(const Extension& extension) {
  const std::vector<BeforeAfter> losses = perplexities(extension.map);
  const BeforeAfter* long_texts = at_length(losses, extension.window);
  const BeforeAfter* short_texts = at_length(losses, extension.old_window);
  if (long_texts == nullptr || short_texts == nullptr) return "Not all lengths were measured.";
  return fmt::format("Perplexity at the new window of {} tokens: {}; at the old one of {}: {}.",
                     thousands(extension.window), side_by_side(*long_texts), thousands(extension.old_window),
                     side_by_side(*short_texts));
}

std::vector<Section> extension_sections(const Extension& extension) {
  return {summary_section(extension), base_section(extension), rope_map_section(extension.map, {})};
}

}  // namespace longscroll::report
