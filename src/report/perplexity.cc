#include "report/perplexity.h"

#include <cmath>
#include <map>

#include <fmt/format.h>

#include "formats/file_faults.h"
#include "formats/record_fields.h"
#include "report/scores.h"

namespace longscroll::report {

double PerplexityPoint::perplexity() const {
  return std::exp(nats / static_cast<double>(tokens));
}

std::vector<PerplexityCurve> perplexity_curves(const Run& run) {
  const std::filesystem::path path = run.directory / "records.jsonl";
  std::vector<PerplexityCurve> curves;
  std::map<uint64_t, PerplexityPoint> points;
  const auto close = [&] {
    for (const auto& [length, point] : points) curves.back().points.push_back(point);
    points.clear();
  };
  for (const EvalRecord& record : run.records) {
    if (record.metric != kPerplexity) continue;
    if (record.choice_log_likelihoods.empty() || record.choice_tokens.empty() ||
        record.choice_tokens.front() == 0) {
      throw_bad_file(
          path,
          fmt::format("the item {} must have the log-likelihood of its tokens and their number, found none",
                      shown_name(record.id)));
    }
    if (curves.empty() || curves.back().label != record.task) {
      if (!curves.empty()) close();
      curves.push_back({record.task, {}});
    }
    const RecordFields fields(record.fields, path, fmt::format("item {}'s 'fields'", shown_name(record.id)));
    const uint64_t length = fields.count("length");
    PerplexityPoint& point = points[length];
    point.length = length;
    point.tokens += record.choice_tokens.front();
    point.nats -= record.choice_log_likelihoods.front();
  }
  if (!curves.empty()) close();
  return curves;
}

}  // namespace longscroll::report
