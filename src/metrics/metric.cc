#include "metrics/metric.h"

#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "metrics/registry.h"

namespace longscroll {
namespace {

const MetricTable& metrics() {
  static const MetricTable table = [] {
    MetricTable made;
    add_longbench_metrics(made);
    add_leval_metrics(made);
    add_needle_metrics(made);
    add_choice_metrics(made);
    return made;
  }();
  return table;
}

}  // namespace

const char* to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::kOpenCompass:
      return "opencompass";
    case Protocol::kOfficial:
      return "official";
    case Protocol::kClean:
      return "clean";
  }
  return "";
}

Protocol protocol_from_name(std::string_view name) {
  for (const Protocol protocol : kProtocols) {
    if (name == to_string(protocol)) return protocol;
  }
  throw Error(ErrorKind::kArgument, "protocol",
              fmt::format("must be opencompass, official or clean, found '{}'", name));
}

double Metric::aggregate(std::span<const ItemScore> items) const {
  if (items.empty()) return 0;
  double sum = 0;
  for (const ItemScore& item : items) sum += item.score;
  return 100 * sum / static_cast<double>(items.size());
}

const Metric& find_metric(std::string_view name, Protocol protocol) {
  const auto found = metrics().find(std::pair<std::string, Protocol>(name, protocol));
  if (found != metrics().end()) return *found->second;
  std::set<std::string> names;
  for (const auto& [key, metric] : metrics()) names.insert(key.first);
  throw Error(ErrorKind::kArgument, "metric",
              fmt::format("must be one of {}, found '{}'", fmt::join(names, ", "), name));
}

}  // namespace longscroll
