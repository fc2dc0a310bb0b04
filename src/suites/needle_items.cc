// The builder "needle": a sentence hidden in a haystack, for every length, depth and repeat (NeedleBench).
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/error.h"
#include "base/hasher.h"
#include "suites/builders.h"
#include "suites/embedded.h"
#include "suites/needle_context.h"
#include "suites/python_random.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

struct HaystackPlace {
  std::string file;  // of records, with the text under `field`; or
  std::string field;
  std::string folder;  // a folder's files with these endings
  std::vector<std::string> endings;
};

struct NeedleLanguage {
  std::string code;  // "en"
  std::string name;  // "English", as the needles' file says it
  size_t buffer = 0;
  HaystackPlace official;
  std::vector<HaystackPlace> others;
  std::vector<TurnTemplate> turns;
  QuestionRule rule;
};

struct NeedleTask {
  TaskBasics basics;
  std::string needles;
  std::vector<NeedleLanguage> languages;
  std::vector<size_t> lengths;
  std::vector<size_t> depths;
  size_t repeats = 0;
};

struct Needle {
  std::string text;
  std::string question;
  std::string keyword;
};

// One prompt of the grid, before its text is made.
struct Cell {
  size_t repeat;
  size_t length;
  size_t depth;
  size_t haystack_tokens;
  size_t insertion;
};

HaystackPlace read_place(Settings& settings) {
  HaystackPlace place;
  place.file = settings.text_or("file", "");
  place.field = settings.text_or("field", "text");
  place.folder = settings.text_or("folder", "");
  place.endings = settings.texts("endings");
  if (place.file.empty() == place.endings.empty()) settings.fail("must have either 'file' or 'endings'");
  return place;
}

NeedleLanguage read_language(Settings& settings, std::string code) {
  NeedleLanguage language;
  language.code = std::move(code);
  language.name = settings.text("name");
  language.buffer = settings.number("buffer");
  std::optional<Settings> official = settings.object("haystack");
  if (!official) settings.fail("must have 'haystack', found none");
  language.official = read_place(*official);
  official->finish();
  for (Settings& other : settings.objects("other_haystacks")) {
    language.others.push_back(read_place(other));
    other.finish();
  }
  language.turns = read_turns(settings, "turns");
  if (language.turns.empty()) settings.fail("must have 'turns', found none");
  if (std::optional<Settings> rule = settings.object("question")) {
    language.rule = {rule->text("phrase"), rule->text_or("hint", ""), rule->text_or("deleted", ""),
                     rule->number_or("cut", 0)};
    rule->finish();
  }
  settings.finish();
  return language;
}

NeedleTask read_needle_task(Settings settings) {
  NeedleTask task;
  task.basics = read_basics(settings);
  task.needles = settings.text("needles");
  task.lengths = settings.numbers("lengths");
  task.depths = settings.numbers("depths");
  task.repeats = settings.number("repeats");
  std::optional<Settings> languages = settings.object("languages");
  if (!languages) settings.fail("must have 'languages', found none");
  for (const std::string& code : languages->keys()) {
    std::optional<Settings> language = languages->object(code.c_str());
    if (language) task.languages.push_back(read_language(*language, code));
  }
  settings.finish();
  return task;
}

// The grid that the user asked for instead of the suite's, checked.
void apply_options(NeedleTask& task, const SuiteOptions& options) {
  if (!options.lengths.empty()) task.lengths = options.lengths;
  if (!options.depths.empty()) task.depths = options.depths;
  if (options.repeats != 0) task.repeats = options.repeats;
  for (NeedleLanguage& language : task.languages) language.buffer = options.buffer.value_or(language.buffer);
  constexpr size_t kMaxPrompts = 100'000;
  const size_t prompts = task.lengths.size() * task.depths.size() * std::min(task.repeats, kMaxPrompts);
  if (prompts == 0 || prompts > kMaxPrompts) {
    throw Error(ErrorKind::kArgument, "the needle grid",
                fmt::format("must have 1 to {} prompts, found {} lengths x {} depths x {} repeats",
                            kMaxPrompts, task.lengths.size(), task.depths.size(), task.repeats));
  }
  for (const size_t depth : task.depths) {
    if (depth > 100) {
      throw Error(ErrorKind::kArgument, "--depths", fmt::format("must be 0 to 100 percent, found {}", depth));
    }
  }
  for (const std::string& wanted : options.languages) {
    const bool known = std::any_of(task.languages.begin(), task.languages.end(),
                                   [&](const auto& l) { return l.code == wanted || l.name == wanted; });
    if (!known) {
      throw Error(ErrorKind::kArgument, "--languages",
                  fmt::format("must be languages of the suite, found '{}'", wanted));
    }
  }
  if (options.languages.empty()) return;
  std::erase_if(task.languages, [&](const NeedleLanguage& language) {
    return std::none_of(options.languages.begin(), options.languages.end(), [&](const auto& wanted) {
      return language.code == wanted || language.name == wanted;
    });
  });
}

class NeedleBuilder {
 public:
  NeedleBuilder(Loading& loading, size_t index)
      : loading_(loading),
        index_(index),
        task_(read_needle_task(loading.spec.task(index))),
        tokenizer_(length_tokenizer(loading)) {
    apply_options(task_, loading.options);
  }

  void build() {
    const size_t before = loading_.suite.items.size();
    read_needles();
    for (const NeedleLanguage& language : task_.languages) {
      std::optional<std::vector<std::string>> documents = read_haystack(language);
      if (documents) sources_.push_back({&language, std::move(*documents)});
    }
    if (sources_.empty()) loading_.folder.require(task_.languages[0].official.file);
    const size_t cells = task_.lengths.size() * task_.depths.size() * task_.repeats;
    const std::vector<size_t> picked =
        pick_items(cells * sources_.size(), loading_.options.limit, loading_.options.seed);
    for (size_t i = 0; i < sources_.size(); ++i) {
      std::vector<size_t> own;
      for (const size_t cell : picked) {
        if (cell / cells == i) own.push_back(cell % cells);
      }
      build_language(sources_[i], own);
    }
    const size_t made = loading_.suite.items.size() - before;
    const std::set<std::string> once(remarks_.begin(), remarks_.end());
    for (const std::string& remark : once) loading_.remark(remark);
    if (loading_.options.limit == 0 && made < loading_.spec.info.tasks[index_].items) {
      loading_.remark(fmt::format("the grid has {} prompts, the official one {}", made,
                                  loading_.spec.info.tasks[index_].items));
    }
  }

 private:
  struct Source {
    const NeedleLanguage* language;
    std::vector<std::string> documents;
  };

  void read_needles() {
    const std::optional<std::string> file = loading_.folder.find(task_.needles);
    DataText text;
    if (file) {
      needles_path_ = loading_.folder.path(*file);
      text = read_data(needles_path_);
    } else {
      needles_path_ = "needle-needles.jsonl";
      text = {std::string(builtin_needles()), sha256_hex(builtin_needles())};
      loading_.remark(fmt::format("no {} in {}: the needles are Longscroll's own, not NeedleBench's",
                                  task_.needles, loading_.folder.root().string()));
    }
    for_each_record(text.bytes, needles_path_, [&](const nlohmann::json& record, size_t line) {
      const std::string language = record_text(record, "language", needles_path_, line);
      Needle needle{fmt::format("\n{}\n", record_text(record, "needle", needles_path_, line)),
                    record_text(record, "retrieval_question", needles_path_, line),
                    record_text(record, "arg2", needles_path_, line)};
      for (const NeedleLanguage& known : task_.languages) {
        if (known.name != language || apply_question_rule(known.rule, needle.question)) continue;
        fail_at_line(needles_path_, line,
                     fmt::format("must have '{}' in its question, found none", known.rule.phrase));
      }
      needles_[language].push_back(std::move(needle));
    });
    loading_.suite.data.push_back({file.value_or("(built in) needle-needles.jsonl"), text.sha256, 0});
  }

  std::vector<std::string> read_records(const std::string& file, const std::string& field) {
    const fs::path path = loading_.folder.path(file);
    const DataText text = read_data(path);
    std::vector<std::string> documents;
    for_each_record(text.bytes, path, [&](const nlohmann::json& record, size_t line) {
      documents.push_back(record_text(record, field, path, line));
    });
    loading_.suite.data.push_back({file, text.sha256, 0});
    return documents;
  }

  std::vector<std::string> read_place(const HaystackPlace& place) {
    std::vector<std::string> documents;
    if (!place.file.empty()) {
      const std::optional<std::string> file = loading_.folder.find(place.file);
      return file ? read_records(*file, place.field) : documents;
    }
    for (const std::string& file : loading_.folder.list(place.folder, place.endings)) {
      const DataText text = read_data(loading_.folder.path(file));
      documents.push_back(text.bytes);
      loading_.suite.data.push_back({file, text.sha256, 0});
    }
    return documents;
  }

  // The official haystack, or else the first other one that is there. None: the language is left out, unless
  // it was asked for.
  std::optional<std::vector<std::string>> read_haystack(const NeedleLanguage& language) {
    if (loading_.folder.find(language.official.file)) return read_place(language.official);
    for (const HaystackPlace& other : language.others) {
      std::vector<std::string> documents = read_place(other);
      if (documents.empty()) continue;
      loading_.remark(
          fmt::format("no {} in {}: the {} haystack is {} instead, not NeedleBench's", language.official.file,
                      loading_.folder.root().string(), language.name,
                      other.file.empty() ? fmt::format("{} text files", documents.size()) : other.file));
      return documents;
    }
    if (!loading_.options.languages.empty()) loading_.folder.require(language.official.file);
    loading_.remark(fmt::format("no haystack in {}: there is no {}", language.name, language.official.file));
    return std::nullopt;
  }

  void build_language(const Source& source, const std::vector<size_t>& picked) {
    const NeedleLanguage& language = *source.language;
    const std::vector<Needle>& needles = needles_[language.name];
    if (needles.empty()) {
      throw Error(ErrorKind::kFile, needles_path_.string(),
                  fmt::format("must have needles in {}, found none", language.name));
    }
    Haystack haystack(source.documents, tokenizer_);
    const std::vector<std::vector<size_t>> orders = haystack_orders(haystack.size(), task_.repeats);
    std::map<size_t, std::vector<size_t>> by_repeat;
    const size_t in_repeat = task_.lengths.size() * task_.depths.size();
    for (const size_t cell : picked) by_repeat[cell / in_repeat].push_back(cell % in_repeat);
    for (const auto& [repeat, cells] : by_repeat) {
      const Needle& needle = needles[PythonRandom(repeat).below(needles.size())];
      build_repeat(language, needle, repeat, cells, orders[repeat], haystack);
    }
  }

  void build_repeat(const NeedleLanguage& language, const Needle& needle, size_t repeat,
                    const std::vector<size_t>& picked, const std::vector<size_t>& order, Haystack& haystack) {
    const std::vector<TokenId> needle_ids = document_ids(tokenizer_, needle.text);
    const size_t longest = *std::max_element(task_.lengths.begin(), task_.lengths.end());
    const std::vector<TokenId> ids =
        haystack.ids(order, haystack_budget(longest, language.buffer, needle_ids.size()));
    std::vector<Cell> cells;
    for (const size_t index : picked) {
      const size_t length = task_.lengths[index / task_.depths.size()];
      const size_t depth = task_.depths[index % task_.depths.size()];
      const size_t budget = haystack_budget(length, language.buffer, needle_ids.size());
      const size_t tokens = std::min(budget, ids.size());
      if (tokens < budget) {
        remarks_.push_back(fmt::format("the {} haystack has {} tokens: prompts of {} are shorter than that",
                                       language.name, ids.size(), length));
      }
      cells.push_back({repeat, length, depth, tokens, insertion_index(tokens, depth)});
    }
    // The one before has the same text up to its needle: as much as any order can share.
    std::sort(cells.begin(), cells.end(), [](const Cell& a, const Cell& b) {
      return std::tie(a.insertion, a.haystack_tokens, a.length, a.depth) <
             std::tie(b.insertion, b.haystack_tokens, b.length, b.depth);
    });
    for (const Cell& cell : cells) add_item(language, needle, cell, ids, needle_ids);
  }

  void add_item(const NeedleLanguage& language, const Needle& needle, const Cell& cell,
                const std::vector<TokenId>& haystack, const std::vector<TokenId>& needle_ids) {
    const auto begin = haystack.begin();
    const auto middle = begin + static_cast<std::ptrdiff_t>(cell.insertion);
    std::vector<TokenId> context(begin, middle);
    context.insert(context.end(), needle_ids.begin(), needle_ids.end());
    context.insert(context.end(), middle, begin + static_cast<std::ptrdiff_t>(cell.haystack_tokens));
    EvalItem item = start_item(
        task_.basics, fmt::format("{}-L{}-D{}-r{}", language.code, cell.length, cell.depth, cell.repeat));
    item.turns = fill_turns(language.turns,
                            {{"context", tokenizer_.decode(context, false)}, {"question", needle.question}},
                            FillRule::kOnePass);
    join_bare_turns(item);
    item.references = {needle.text + "*" + needle.keyword};
    item.document = fmt::format("{}-r{}", language.code, cell.repeat);
    item.fields["language"] = language.code;
    item.fields["length"] = cell.length;
    item.fields["depth"] = cell.depth;
    item.fields["repeat"] = cell.repeat;
    item.fields["haystack_tokens"] = cell.haystack_tokens;
    item.fields["insertion_token"] = cell.insertion;
    loading_.suite.items.push_back(std::move(item));
  }

  Loading& loading_;
  size_t index_;
  NeedleTask task_;
  const Tokenizer& tokenizer_;
  fs::path needles_path_;
  std::map<std::string, std::vector<Needle>> needles_;
  std::vector<Source> sources_;
  std::vector<std::string> remarks_;
};

}  // namespace

void build_needle_items(Loading& loading, size_t index) {
  NeedleBuilder(loading, index).build();
}

}  // namespace longscroll
