// A suite file, checked, with the settings of one protocol worked into each task. Internal to this layer.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "suites/fill_template.h"
#include "suites/settings.h"
#include "suites/suite.h"

namespace longscroll {

enum class Builder { kFill, kChoice, kNeedle, kText };

struct SuiteSpec {
  SuiteInfo info;
  Builder builder = Builder::kFill;
  std::string where;                  // for messages
  std::vector<std::string> folders;   // where below --data the files are looked for
  size_t items = 0;                   // all tasks of the official files together; 0: not known
  std::vector<nlohmann::json> tasks;  // settings of each of info.tasks

  // Of tasks[index]; reads what every builder knows (metric, stop, …) through TaskBasics below.
  Settings task(size_t index) const;
};

// The suites that come with the program: name and text, in the order in which they are listed.
struct BuiltinSuite {
  std::string_view name;
  std::string_view text;
};
std::span<const BuiltinSuite> builtin_suites();

SuiteSpec read_suite(std::string_view name_or_path, std::string_view protocol);

struct TurnTemplate {
  std::string role;
  std::string text;
};

// What every item of a task has in common.
struct TaskBasics {
  std::string name;
  std::string category;
  std::string language;
  std::string metric;
  size_t max_new_tokens = 0;
  std::vector<std::string> stop;
  bool bare = false;
};

TaskBasics read_basics(Settings& settings);  // also passes over the keys that only SuiteInfo needs
// Roles are checked; a bare task's turns become one text.
std::vector<TurnTemplate> read_turns(Settings& settings, const char* key);
FillRule read_fill_rule(Settings& settings);
EvalItem start_item(const TaskBasics& basics, std::string id);
// Bare: one turn with the texts joined.
std::vector<Turn> fill_turns(const std::vector<TurnTemplate>& templates, const Columns& columns,
                             FillRule rule);
void join_bare_turns(EvalItem& item);

}  // namespace longscroll
