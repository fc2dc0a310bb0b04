// How the benchmarks' files hand their metrics to find_metric().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "metrics/metric.h"

namespace longscroll {

using MetricTable = std::map<std::pair<std::string, Protocol>, std::unique_ptr<const Metric>, std::less<>>;

void add_longbench_metrics(MetricTable& table);
void add_leval_metrics(MetricTable& table);
void add_needle_metrics(MetricTable& table);
void add_choice_metrics(MetricTable& table);

inline constexpr Protocol kProtocols[] = {Protocol::kOpenCompass, Protocol::kOfficial, Protocol::kClean};

}  // namespace longscroll
