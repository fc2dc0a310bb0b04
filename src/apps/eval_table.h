// What a run came to: a table for people, an object for programs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/common.h"
#include "eval/scoring.h"

namespace longscroll {

// A line for each task, then one for each of the suite's averages that all tasks of are there for. `suite`: a
// name or a path.
std::string score_table(std::span<const TaskScore> tasks, const std::string& suite,
                        const std::string& protocol);

// `tasks`, `averages` and `totals`.
Json describe_scores(std::span<const TaskScore> tasks, const std::string& suite, const std::string& protocol);

// "3 of 20 prompts were cut, by 12,345 tokens; 40% of all prompt tokens were reused"; empty: nothing of that
// sort.
std::vector<std::string> cost_remarks(std::span<const TaskScore> tasks, size_t records);

}  // namespace longscroll
