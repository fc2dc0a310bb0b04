// Suites: a versioned file that says which data files become which prompts, and the items built from them.
// A suite is data (docs/formats/suites.md); the ones that come with the program are linked into this library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "suites/item.h"
#include "text/tokenizer.h"

namespace longscroll {

struct DataFile {
  std::string file;    // below SuiteOptions::data
  std::string sha256;  // of its bytes, as hex
  size_t items = 0;    // taken from it
};

struct SuiteOptions {
  std::string protocol =
      "opencompass";               // or "official", "clean": whose prompts (metrics/metric.h has the scores')
  std::filesystem::path data;      // the folder with the user's data files
  std::vector<std::string> tasks;  // empty: those that the suite takes by itself, in its order
  size_t limit = 0;                // items of a task; 0: all
  // 0: the first `limit` in the file's order. Else those of
  // random.Random(seed).shuffle(list(range(n)))[:limit], in the file's order.
  uint64_t seed = 0;
  // Needle and text suites: empty means the suite's own grid.
  std::vector<size_t> lengths;         // tokens
  std::vector<size_t> depths;          // percent
  std::vector<std::string> languages;  // "en", "zh"
  size_t repeats = 0;                  // prompts a cell; 0: the suite's own number
  std::optional<size_t> buffer;        // needle: tokens of a length that are not haystack; none: the suite's
  const Tokenizer* length_tokenizer = nullptr;  // counts and cuts; needed by needle and text suites
};

struct LoadedSuite {
  std::string name;
  std::string version;
  std::string sha256;           // of the suite's file
  std::vector<EvalItem> items;  // in the order in which they are best asked: see `EvalItem::document`
  std::vector<DataFile> data;
  std::vector<std::string> remarks;
};

struct SuiteTask {
  std::string name;
  std::string title;  // what tables call it
  std::string category;
  std::string language;
  std::string metric;
  size_t items = 0;        // of the official files under this protocol; 0: not known
  bool by_default = true;  // taken when no tasks are named
};

// A plain mean of tasks, or of groups defined before it: LongBench's "overall" is the mean of its six
// categories.
struct SuiteGroup {
  std::string name;
  std::string title;
  std::vector<std::string> of;
};

struct SuiteInfo {
  std::string name;
  std::string version;
  std::string sha256;
  std::string title;
  std::string source;              // where the official files are, in one line
  std::vector<SuiteTask> tasks;    // in display order
  std::vector<SuiteGroup> groups;  // in display order; the last is the suite's overall number, if it has one
};

// The suites that come with the program, in display order.
std::vector<std::string> suite_names();

// What a suite holds, without its data. `name_or_path`: one of suite_names(), or a path of a suite file
// (anything that has a '/' or ends in ".json"). Throws Error(kArgument) for a name or protocol that is not
// there, Error(kFile) for a suite file that is not one.
SuiteInfo describe_suite(std::string_view name_or_path, std::string_view protocol);

// The means of every group that `scores` (by task) has all tasks for; a group that lacks one is left out.
std::map<std::string, double> group_means(const SuiteInfo& suite,
                                          const std::map<std::string, double>& scores);

// Reads the data files and builds the items. Throws as describe_suite, and Error(kFile), naming file and
// line, for a data file that is missing, broken, or not in UTF-8; nothing is left out silently.
//
// Perplexity items (builder "text", metric "perplexity"): bare, one turn with the window's first tokens, and
// one choice, the rest of the window, whose log-likelihood is wanted. `fields`: "length" (the window's
// tokens) and "window" (its number within the text).
LoadedSuite load_suite(std::string_view name_or_path, const SuiteOptions& options);

}  // namespace longscroll
