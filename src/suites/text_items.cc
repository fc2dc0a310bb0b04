// The builder "text": windows of plain texts, to be scored by their likelihood (perplexity by length).
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "suites/builders.h"
#include "suites/python_random.h"

namespace longscroll {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD: a character that the cut went through

struct TextTask {
  TaskBasics basics;
  std::string folder;
  std::vector<std::string> endings;
  std::vector<size_t> lengths;
  size_t given = 0;    // tokens at the beginning of a window that are not predicted
  size_t windows = 0;  // of each length in a text; 0: all that fit
};

struct Window {
  std::string given;
  std::string predicted;
};

TextTask read_text_task(Settings settings, const SuiteOptions& options) {
  TextTask task;
  task.basics = read_basics(settings);
  task.folder = settings.text_or("folder", "");
  task.endings = settings.texts("endings");
  task.lengths = settings.numbers("lengths");
  task.given = settings.number("given");
  task.windows = settings.number_or("windows", 0);
  settings.finish();
  if (task.endings.empty()) settings.fail("must have 'endings', found none");
  if (task.given == 0) settings.fail("'given' must be at least 1");
  if (!options.lengths.empty()) task.lengths = options.lengths;
  if (options.repeats != 0) task.windows = options.repeats;
  for (const size_t length : task.lengths) {
    if (length <= task.given) {
      throw Error(
          ErrorKind::kArgument, "--lengths",
          fmt::format("must be above the {} tokens that are not predicted, found {}", task.given, length));
    }
  }
  return task;
}

std::string trim_replacements(std::string text, bool at_begin) {
  while (at_begin && text.starts_with(kReplacement)) text.erase(0, kReplacement.size());
  while (text.ends_with(kReplacement)) text.resize(text.size() - kReplacement.size());
  return text;
}

Window cut_window(std::span<const TokenId> ids, size_t given, const Tokenizer& tokenizer) {
  const std::string text = trim_replacements(tokenizer.decode(ids, false), true);
  Window window;
  window.given = trim_replacements(tokenizer.decode(ids.first(given), false), true);
  // Decoding is additive but for characters that a cut goes through, which were trimmed.
  if (text.starts_with(window.given)) {
    window.predicted = text.substr(window.given.size());
  } else {
    window.predicted = trim_replacements(tokenizer.decode(ids.subspan(given), false), true);
  }
  return window;
}

void add_windows(Loading& loading, const TextTask& task, const std::string& file, const std::string& text,
                 std::vector<EvalItem>& items) {
  const Tokenizer& tokenizer = length_tokenizer(loading);
  const std::vector<TokenId> ids = document_ids(tokenizer, text);
  for (const size_t length : task.lengths) {
    size_t count = ids.size() / length;
    if (count == 0) {
      loading.remark(fmt::format("{} has {} tokens: no window of {}", file, ids.size(), length));
    }
    if (task.windows != 0) count = std::min(count, task.windows);
    for (size_t i = 0; i < count; ++i) {
      Window window = cut_window(std::span(ids).subspan(i * length, length), task.given, tokenizer);
      EvalItem item = start_item(task.basics, fmt::format("{}-L{}-w{}", file, length, i));
      item.bare = true;
      item.turns = {{"user", std::move(window.given)}};
      item.choices = {std::move(window.predicted)};
      item.document = fmt::format("{}-w{}", file, i * length);
      item.fields["file"] = file;
      item.fields["length"] = length;
      item.fields["window"] = i;
      items.push_back(std::move(item));
    }
  }
}

}  // namespace

void build_text_items(Loading& loading, size_t index) {
  const TextTask task = read_text_task(loading.spec.task(index), loading.options);
  const std::vector<std::string> files = loading.folder.list(task.folder, task.endings);
  if (files.empty()) {
    throw Error(ErrorKind::kFile, loading.folder.path(task.folder).string(),
                fmt::format("must have texts ({}), found none", fmt::join(task.endings, ", ")));
  }
  std::vector<EvalItem> items;
  std::vector<std::pair<std::string, std::string>> hashes;
  for (const std::string& file : files) {
    const DataText text = read_data(loading.folder.path(file));
    add_windows(loading, task, file, text.bytes, items);
    hashes.emplace_back(file, text.sha256);
  }
  std::vector<EvalItem>& kept = loading.suite.items;
  const size_t first = kept.size();
  for (const size_t i : pick_items(items.size(), loading.options.limit, loading.options.seed)) {
    kept.push_back(std::move(items[i]));
  }
  for (auto& [file, sha256] : hashes) {
    const auto taken = std::count_if(kept.begin() + static_cast<std::ptrdiff_t>(first), kept.end(),
                                     [&](const EvalItem& item) { return item.fields["file"] == file; });
    loading.suite.data.push_back({file, sha256, static_cast<size_t>(taken)});
  }
}

}  // namespace longscroll
