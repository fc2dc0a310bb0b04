#include "suites/suite.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "suites/builders.h"

namespace longscroll {
namespace {

std::vector<size_t> chosen_tasks(const SuiteInfo& suite, const std::vector<std::string>& names) {
  std::vector<size_t> chosen;
  std::set<std::string> wanted(names.begin(), names.end());
  for (size_t i = 0; i < suite.tasks.size(); ++i) {
    const SuiteTask& task = suite.tasks[i];
    if (names.empty() ? task.by_default : wanted.erase(task.name) > 0) chosen.push_back(i);
  }
  if (wanted.empty()) return chosen;
  std::string known;
  for (const SuiteTask& task : suite.tasks) known.append(known.empty() ? "" : ", ").append(task.name);
  throw Error(ErrorKind::kArgument, "--tasks",
              fmt::format("must be tasks of {}, found '{}'", suite.name, *wanted.begin()),
              fmt::format("there are {}", known));
}

void build_items(Loading& loading, size_t task) {
  switch (loading.spec.builder) {
    case Builder::kFill:
      return build_fill_items(loading, task);
    case Builder::kChoice:
      return build_choice_items(loading, task);
    case Builder::kNeedle:
      return build_needle_items(loading, task);
    case Builder::kText:
      return build_text_items(loading, task);
  }
}

void check_ids(const std::vector<EvalItem>& items) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const EvalItem& item : items) {
    if (!seen.insert({item.task, item.id}).second) {
      throw Error(ErrorKind::kFile, item.task,
                  fmt::format("must have each item once, found the id {} twice", item.id));
    }
  }
}

}  // namespace

void Loading::compare_count(size_t task, size_t found, const std::string& file) {
  const size_t official = spec.info.tasks[task].items;
  if (official == 0 || official == found) return;
  remark(fmt::format("{} gives {} items, the official file {}: scores are not comparable", file, found,
                     official));
}

const Tokenizer& length_tokenizer(const Loading& loading) {
  if (loading.options.length_tokenizer == nullptr) {
    throw Error(ErrorKind::kArgument, loading.spec.info.name,
                "must have a tokenizer that counts the lengths, found none",
                "name a model, or give --tokenizer");
  }
  return *loading.options.length_tokenizer;
}

std::vector<TokenId> document_ids(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, {.add_special = false, .parse_special = false});
}

std::vector<std::string> suite_names() {
  std::vector<std::string> names;
  for (const BuiltinSuite& suite : builtin_suites()) names.emplace_back(suite.name);
  return names;
}

SuiteInfo describe_suite(std::string_view name_or_path, std::string_view protocol) {
  return read_suite(name_or_path, protocol).info;
}

std::map<std::string, double> group_means(const SuiteInfo& suite,
                                          const std::map<std::string, double>& scores) {
  std::map<std::string, double> known = scores;
  std::map<std::string, double> means;
  for (const SuiteGroup& group : suite.groups) {
    double sum = 0;
    const bool whole = std::all_of(group.of.begin(), group.of.end(), [&](const std::string& part) {
      const auto it = known.find(part);
      if (it == known.end()) return false;
      sum += it->second;
      return true;
    });
    if (!whole) continue;
    known[group.name] = means[group.name] = sum / static_cast<double>(group.of.size());
  }
  return means;
}

LoadedSuite load_suite(std::string_view name_or_path, const SuiteOptions& options) {
  const SuiteSpec spec = read_suite(name_or_path, options.protocol);
  LoadedSuite suite;
  suite.name = spec.info.name;
  suite.version = spec.info.version;
  suite.sha256 = spec.info.sha256;
  Loading loading{spec, options, DataFolder(options.data, spec.folders, spec.info.source), suite};
  for (const size_t task : chosen_tasks(spec.info, options.tasks)) build_items(loading, task);
  check_ids(suite.items);
  if (options.tasks.empty() && options.limit == 0 && spec.items != 0 && spec.items != suite.items.size()) {
    loading.remark(
        fmt::format("the data files give {} items, the official ones {}: scores are not comparable",
                    suite.items.size(), spec.items));
  }
  if (suite.items.empty()) {
    throw Error(ErrorKind::kArgument, suite.name, "must have items to ask, found none", spec.info.source);
  }
  return suite;
}

}  // namespace longscroll
