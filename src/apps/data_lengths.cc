// The lengths of documents as text, JSON and a picture.
#include <algorithm>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "apps/data_commands.h"
#include "console/terminal.h"
#include "report/charts.h"

namespace longscroll {

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

report::Svg lengths_chart(const data::LengthStats& stats) {
  const auto has_documents = [](const data::LengthStep& step) { return step.documents > 0; };
  const auto longest = std::find_if(stats.steps.rbegin(), stats.steps.rend(), has_documents);
  const auto end = longest == stats.steps.rend() ? stats.steps.end() : longest.base();
  std::vector<report::BarGroup> groups;
  for (const data::LengthStep& step : std::span(stats.steps.begin(), end)) {
    groups.push_back(
        {step.label(),
         {{0, percent(step.documents, stats.documents)}, {1, percent(step.tokens, stats.tokens)}}});
  }
  return report::bar_chart("Documents and tokens by length, %", {"documents", "tokens"}, groups, 100);
}

std::string lengths_as_text(const data::LengthStats& stats) {
  std::string text = fmt::format(
      "{} documents, {} tokens; median {}, 90% up to {}, 99% up to {}, longest {}\n\n"
      "{:<12}{:>14}{:>8}{:>18}{:>8}\n",
      format_count(stats.documents), format_count(stats.tokens), format_count(stats.median),
      format_count(stats.p90), format_count(stats.p99), format_count(stats.longest), "length", "documents",
      "", "tokens", "");
  for (const data::LengthStep& step : stats.steps) {
    text += fmt::format("{:<12}{:>14}{:>7.1f}%{:>18}{:>7.1f}%\n", step.label(), format_count(step.documents),
                        percent(step.documents, stats.documents), format_count(step.tokens),
                        percent(step.tokens, stats.tokens));
  }
  return text;
}

Json lengths_to_json(const data::LengthStats& stats) {
  Json json = {{"documents", stats.documents},
               {"tokens", stats.tokens},
               {"median", stats.median},
               {"p90", stats.p90},
               {"p99", stats.p99},
               {"longest", stats.longest}};
  json["steps"] = Json::array();
  for (const data::LengthStep& step : stats.steps) {
    json["steps"].push_back({{"above", step.above},
                             {"up_to", step.up_to == 0 ? Json(nullptr) : Json(step.up_to)},
                             {"documents", step.documents},
                             {"tokens", step.tokens},
                             {"document_share", percent(step.documents, stats.documents) / 100},
                             {"token_share", percent(step.tokens, stats.tokens) / 100}});
  }
  return json;
}

}  // namespace longscroll
