#include "suites/suite_spec.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/hasher.h"
#include "formats/strict_json.h"
#include "suites/data_files.h"
#include "suites/embedded.h"

namespace longscroll {
namespace {

using Json = nlohmann::json;

constexpr int kMaxSuiteDepth = 12;
constexpr size_t kMaxSuiteBytes = size_t{16} << 20;
constexpr size_t kSuiteFormat = 1;

struct SuiteText {
  std::string where;
  std::string text;
};

bool is_path(std::string_view name) {
  return name.find('/') != std::string_view::npos || name.ends_with(".json");
}

SuiteText find_suite(std::string_view name) {
  if (is_path(name)) {
    std::error_code ignored;
    const std::filesystem::path path(name);
    if (std::filesystem::file_size(path, ignored) > kMaxSuiteBytes && !ignored) {
      throw Error(ErrorKind::kFile, path.string(), fmt::format("must be at most {} bytes", kMaxSuiteBytes));
    }
    return {path.string(), read_data(path).bytes};
  }
  std::string names;
  for (const BuiltinSuite& suite : builtin_suites()) {
    if (suite.name == name) return {fmt::format("suites/{}.json", name), std::string(suite.text)};
    names.append(names.empty() ? "" : ", ").append(suite.name);
  }
  throw Error(ErrorKind::kArgument, std::string(name),
              fmt::format("must be a suite ({}), found none of that name", names),
              "a suite file of your own is given by its path");
}

Builder builder_from_name(Settings& settings) {
  const std::string name = settings.text("builder");
  if (name == "fill") return Builder::kFill;
  if (name == "choice") return Builder::kChoice;
  if (name == "needle") return Builder::kNeedle;
  if (name == "text") return Builder::kText;
  settings.fail(fmt::format("'builder' must be fill, choice, needle or text, found '{}'", name));
}

bool is_protocol(std::string_view name) {
  return name == "opencompass" || name == "official" || name == "clean";
}

void check_protocol(std::string_view protocol) {
  if (is_protocol(protocol)) return;
  throw Error(ErrorKind::kArgument, "--protocol",
              fmt::format("must be opencompass, official or clean, found '{}'", protocol));
}

void check_protocols(const Json& owner, const Settings& settings) {
  const auto protocols = owner.find("protocols");
  if (protocols == owner.end()) return;
  if (!protocols->is_object()) settings.fail("'protocols' must be an object");
  for (const auto& [name, value] : protocols->items()) {
    if (!is_protocol(name)) settings.fail(fmt::format("'protocols' must not have '{}': there is none", name));
    if (!value.is_object()) settings.fail(fmt::format("'protocols.{}' must be an object", name));
  }
}

// The protocol and those that it stands on, the lowest first: {"clean": {"like": "opencompass", …}}.
std::vector<std::string> protocol_chain(const Json& root, std::string_view protocol,
                                        const Settings& settings) {
  std::vector<std::string> chain = {std::string(protocol)};
  const auto protocols = root.find("protocols");
  if (protocols == root.end()) return chain;
  for (;;) {
    const auto it = protocols->find(chain.back());
    if (it == protocols->end() || !it->contains("like")) break;
    const Json& like = (*it)["like"];
    if (!like.is_string()) settings.fail("'like' must be a protocol's name");
    const auto name = like.get<std::string>();
    if (!protocols->contains(name))
      settings.fail(fmt::format("'like' must name a protocol, found '{}'", name));
    if (std::find(chain.begin(), chain.end(), name) != chain.end()) {
      settings.fail(fmt::format("protocols must not stand on each other, found '{}' twice", name));
    }
    chain.push_back(name);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

void add_protocols(Json& settings, const Json& owner, const std::vector<std::string>& chain) {
  const auto protocols = owner.find("protocols");
  if (protocols == owner.end()) return;
  for (const std::string& name : chain) {
    const auto it = protocols->find(name);
    if (it != protocols->end()) settings.merge_patch(*it);
  }
}

// Defaults, the suite's protocol, the task, the task's protocol: each changes what stands before it, key by
// key.
Json merged_task(const Json& root, const Json& task, const std::vector<std::string>& chain) {
  Json merged = root.value("defaults", Json::object());
  add_protocols(merged, root, chain);
  Json own = task;
  own.erase("protocols");
  merged.merge_patch(own);
  add_protocols(merged, task, chain);
  merged.erase("like");
  return merged;
}

SuiteTask task_info(Settings& settings) {
  SuiteTask task;
  task.name = settings.text("name");
  task.title = settings.text_or("title", task.name);
  task.category = settings.text_or("category", "");
  task.language = settings.text_or("language", "");
  task.metric = settings.text_or("metric", "");
  task.items = settings.number_or("items", 0);
  task.by_default = settings.flag_or("by_default", true);
  return task;
}

void read_tasks(const Json& root, const std::vector<std::string>& chain, Settings& settings,
                SuiteSpec& spec) {
  std::set<std::string> names;
  const size_t count = settings.objects("tasks").size();
  if (count == 0) settings.fail("must have 'tasks', found none");
  for (size_t i = 0; i < count; ++i) {
    check_protocols(root["tasks"][i], settings);
    const Json merged = merged_task(root, root["tasks"][i], chain);
    Settings task(merged, spec.where, fmt::format("tasks[{}]", i));
    if (task.flag_or("left_out", false)) continue;  // this protocol has no such task
    spec.info.tasks.push_back(task_info(task));
    if (!names.insert(spec.info.tasks.back().name).second) {
      settings.fail(
          fmt::format("tasks must have different names, found '{}' twice", spec.info.tasks.back().name));
    }
    spec.tasks.push_back(merged);
  }
}

void read_groups(Settings& settings, std::string_view protocol, SuiteInfo& info) {
  std::set<std::string> known;
  for (const SuiteTask& task : info.tasks) known.insert(task.name);
  for (Settings& group : settings.objects("groups")) {
    SuiteGroup read;
    read.name = group.text("name");
    read.title = group.text_or("title", read.name);
    read.of = group.texts("of");
    const std::vector<std::string> protocols = group.texts("protocols");
    // What a protocol leaves out is no part of its groups.
    std::erase_if(read.of, [&](const std::string& part) { return !known.contains(part); });
    group.finish();
    const bool other =
        !protocols.empty() && std::find(protocols.begin(), protocols.end(), protocol) == protocols.end();
    if (other || read.of.empty()) continue;
    if (!known.insert(read.name).second) group.fail(fmt::format("the name '{}' must be new", read.name));
    info.groups.push_back(std::move(read));
  }
}

}  // namespace

std::span<const BuiltinSuite> builtin_suites() {
  static const std::array<BuiltinSuite, 7> kSuites = {{{"needle", suite_needle()},
                                                       {"longbench", suite_longbench()},
                                                       {"leval", suite_leval()},
                                                       {"mmlu", suite_mmlu()},
                                                       {"ceval", suite_ceval()},
                                                       {"cmmlu", suite_cmmlu()},
                                                       {"perplexity", suite_perplexity()}}};
  return kSuites;
}

SuiteSpec read_suite(std::string_view name_or_path, std::string_view protocol) {
  check_protocol(protocol);
  const SuiteText suite = find_suite(name_or_path);
  const Json root = parse_strict_json(suite.text, suite.where, "suite", kMaxSuiteDepth);
  Settings settings(root, suite.where, "");
  SuiteSpec spec;
  spec.where = suite.where;
  if (settings.number("format") != kSuiteFormat) {
    settings.fail(fmt::format("'format' must be {}, found another", kSuiteFormat));
  }
  spec.info.name = settings.text("name");
  spec.info.version = settings.text("version");
  spec.info.title = settings.text_or("title", spec.info.name);
  spec.info.source = settings.text_or("source", "");
  spec.info.sha256 = sha256_hex(suite.text);
  spec.builder = builder_from_name(settings);
  spec.folders = settings.texts("folders");
  spec.items = settings.number_or("items", 0);
  settings.object("defaults");
  settings.object("protocols");
  check_protocols(root, settings);
  read_tasks(root, protocol_chain(root, protocol, settings), settings, spec);
  read_groups(settings, protocol, spec.info);
  settings.finish();
  return spec;
}

Settings SuiteSpec::task(size_t index) const {
  return {tasks[index], where, "the task " + info.tasks[index].name};
}

TaskBasics read_basics(Settings& settings) {
  task_info(settings);
  settings.flag_or("left_out", false);
  TaskBasics basics;
  basics.name = settings.text("name");
  basics.category = settings.text_or("category", "");
  basics.language = settings.text_or("language", "");
  basics.metric = settings.text("metric");
  basics.max_new_tokens = settings.number_or("max_new_tokens", 0);
  basics.stop = settings.texts("stop");
  basics.bare = settings.flag_or("bare", false);
  return basics;
}

std::vector<TurnTemplate> read_turns(Settings& settings, const char* key) {
  std::vector<TurnTemplate> turns;
  for (Settings& turn : settings.objects(key)) {
    TurnTemplate read{turn.text("role"), turn.text("text")};
    turn.finish();
    if (read.role != "system" && read.role != "user" && read.role != "assistant") {
      turn.fail(fmt::format("'role' must be system, user or assistant, found '{}'", read.role));
    }
    turns.push_back(std::move(read));
  }
  return turns;
}

FillRule read_fill_rule(Settings& settings) {
  const std::string name = settings.text_or("fill", "one_pass");
  if (name == "one_pass") return FillRule::kOnePass;
  if (name == "column_by_column") return FillRule::kColumnByColumn;
  settings.fail(fmt::format("'fill' must be one_pass or column_by_column, found '{}'", name));
}

EvalItem start_item(const TaskBasics& basics, std::string id) {
  EvalItem item;
  item.task = basics.name;
  item.id = std::move(id);
  item.bare = basics.bare;
  item.metric = basics.metric;
  item.max_new_tokens = basics.max_new_tokens;
  item.stop = basics.stop;
  item.fields = nlohmann::ordered_json::object();
  if (!basics.category.empty()) item.fields["category"] = basics.category;
  if (!basics.language.empty()) item.fields["language"] = basics.language;
  return item;
}

std::vector<Turn> fill_turns(const std::vector<TurnTemplate>& templates, const Columns& columns,
                             FillRule rule) {
  std::vector<Turn> turns;
  for (const TurnTemplate& turn : templates)
    turns.push_back({turn.role, fill_template(turn.text, columns, rule)});
  return turns;
}

void join_bare_turns(EvalItem& item) {
  if (!item.bare || item.turns.size() < 2) return;
  std::string text;
  for (const Turn& turn : item.turns) text += turn.content;
  item.turns = {{"user", std::move(text)}};
}

}  // namespace longscroll
