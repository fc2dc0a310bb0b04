// The builder "fill": records of a .jsonl file into a template. LongBench, L-Eval, and most others.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/hasher.h"
#include "suites/builders.h"
#include "suites/python_random.h"

namespace longscroll {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

enum class ColumnKind {
  kText,     // the record's text
  kList,     // the record's list of texts: references or classes, never filled in
  kEach,     // the record's list of texts, an item for each
  kWords,    // how many words another column has
  kReplaced  // another column with one text in the place of another
};

struct Column {
  std::string name;
  ColumnKind kind = ColumnKind::kText;
  std::string from;  // the record's key, or the column that it is made of
  std::string what;
  std::string with;
  bool optional = false;  // may be null or missing: empty
};

struct Part {
  std::string name;
  std::vector<TurnTemplate> turns;
  std::string open;
  std::string close;
};

struct FillTask {
  TaskBasics basics;
  std::string file;
  std::string id_key;
  std::vector<Column> columns;
  std::set<std::string> hidden;  // OpenCompass replaces the output's column by nothing
  std::string references;
  std::string classes;
  std::string document;
  std::string keep_key;
  std::vector<std::string> keep_values;
  std::vector<std::string> fields;
  FillRule rule = FillRule::kOnePass;
  std::vector<Part> parts;  // one, unless the task asks twice
};

struct Question {
  std::string id;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<std::string>> lists;
  nlohmann::ordered_json fields = nlohmann::ordered_json::object();
};

ColumnKind kind_from_name(Settings& column) {
  static const std::map<std::string, ColumnKind> kKinds = {{"text", ColumnKind::kText},
                                                           {"list", ColumnKind::kList},
                                                           {"each", ColumnKind::kEach},
                                                           {"words", ColumnKind::kWords},
                                                           {"replaced", ColumnKind::kReplaced}};
  const std::string name = column.text_or("kind", "text");
  const auto it = kKinds.find(name);
  if (it == kKinds.end()) {
    column.fail(fmt::format("'kind' must be text, list, each, words or replaced, found '{}'", name));
  }
  return it->second;
}

bool is_made(ColumnKind kind) {
  return kind == ColumnKind::kWords || kind == ColumnKind::kReplaced;
}

std::vector<Column> read_columns(Settings& settings) {
  std::vector<Column> columns;
  for (Settings& object : settings.objects("columns")) {
    Column column;
    column.name = object.text("name");
    column.kind = kind_from_name(object);
    column.from = object.text_or("from", column.name);
    column.optional = object.flag_or("optional", false);
    if (column.kind == ColumnKind::kReplaced) {
      column.what = object.text("what");
      column.with = object.text("with");
    }
    object.finish();
    columns.push_back(std::move(column));
  }
  return columns;
}

const Column* find_column(const std::vector<Column>& columns, const std::string& name) {
  const auto it =
      std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
  return it == columns.end() ? nullptr : &*it;
}

bool is_text_column(const Column* column) {
  return column != nullptr && column->kind != ColumnKind::kList;
}

void check_columns(const FillTask& task, const Settings& settings) {
  for (const Column& column : task.columns) {
    const Column* source = find_column(task.columns, column.from);
    if (is_made(column.kind) && (!is_text_column(source) || is_made(source->kind))) {
      settings.fail(
          fmt::format("the column '{}' must be made of a text column, found '{}'", column.name, column.from));
    }
  }
  for (const std::string& name : {task.references, task.classes}) {
    if (!name.empty() && find_column(task.columns, name) == nullptr) {
      settings.fail(fmt::format("must have the column '{}', found none", name));
    }
  }
  if (!task.document.empty() && !is_text_column(find_column(task.columns, task.document))) {
    settings.fail(fmt::format("'document' must be a text column, found '{}'", task.document));
  }
  for (const Part& part : task.parts) {
    if (part.turns.empty()) settings.fail("must have 'turns', found none");
    for (const TurnTemplate& turn : part.turns) {
      for (const std::string& name : template_columns(turn.text)) {
        if (!is_text_column(find_column(task.columns, name))) {
          settings.fail(fmt::format("a turn must use text columns, found '{{{}}}'", name));
        }
      }
    }
  }
}

std::vector<Part> read_parts(Settings& settings) {
  std::vector<Part> parts;
  for (Settings& object : settings.objects("parts")) {
    parts.push_back({object.text("name"), read_turns(object, "turns"), object.text_or("open", ""),
                     object.text_or("close", "")});
    object.finish();
  }
  std::vector<TurnTemplate> turns = read_turns(settings, "turns");
  if (parts.empty()) parts.push_back({"", std::move(turns), "", ""});
  if (parts.size() > 2) settings.fail("must have one part or two");
  return parts;
}

FillTask read_fill_task(Settings settings) {
  FillTask task;
  task.basics = read_basics(settings);
  task.file = settings.text("file");
  task.id_key = settings.text_or("id", "");
  task.columns = read_columns(settings);
  for (std::string& name : settings.texts("hide")) task.hidden.insert(std::move(name));
  task.references = settings.text_or("references", "");
  task.classes = settings.text_or("classes", "");
  task.document = settings.text_or("document", "");
  task.fields = settings.texts("fields");
  task.rule = read_fill_rule(settings);
  task.parts = read_parts(settings);
  if (std::optional<Settings> keep = settings.object("keep")) {
    task.keep_key = keep->text("key");
    task.keep_values = keep->texts("values");
    keep->finish();
  }
  settings.finish();
  check_columns(task, settings);
  return task;
}

// From one line of the data file to its questions.
class RecordReader {
 public:
  RecordReader(const FillTask& task, const fs::path& path) : task_(task), path_(path) {}

  void read(const Json& record, size_t line, std::vector<Question>& questions) {
    line_ = line;
    if (!is_kept(record)) return;
    Question common;
    common.id = read_id(record);
    std::map<std::string, std::vector<std::string>> each;
    for (const Column& column : task_.columns) read_column(record, column, common, each);
    for (const std::string& key : task_.fields) read_field(record, key, common);
    if (each.empty()) {
      add_made_columns(common);
      questions.push_back(std::move(common));
    } else {
      add_each(common, each, questions);
    }
  }

 private:
  bool is_kept(const Json& record) const {
    if (task_.keep_key.empty()) return true;
    const std::string value = record_text(record, task_.keep_key, path_, line_);
    return std::find(task_.keep_values.begin(), task_.keep_values.end(), value) != task_.keep_values.end();
  }

  std::string read_id(const Json& record) {
    std::string id = fmt::format("{}", line_);
    if (!task_.id_key.empty() && record.contains(task_.id_key)) {
      id = record_text(record, task_.id_key, path_, line_);
      if (id.empty()) fail(fmt::format("must have an id in '{}', found an empty one", task_.id_key));
    }
    const auto [it, is_new] = lines_.emplace(id, line_);
    if (!is_new) fail(fmt::format("must have an id of its own, found {}, which line {} has", id, it->second));
    return id;
  }

  std::vector<std::string> read_list(const Json& value, const std::string& key) const {
    if (!value.is_array())
      fail(fmt::format("must have a list in the field '{}', found {}", key, value.type_name()));
    std::vector<std::string> texts;
    for (const Json& text : value) {
      if (!text.is_string()) {
        fail(fmt::format("must have texts in the list '{}', found {}", key, text.type_name()));
      }
      texts.push_back(text.get<std::string>());
    }
    return texts;
  }

  void read_column(const Json& record, const Column& column, Question& question,
                   std::map<std::string, std::vector<std::string>>& each) const {
    if (is_made(column.kind)) return;
    const auto it = record.find(column.from);
    const bool missing = it == record.end() || it->is_null();
    if (missing && !column.optional) fail(fmt::format("must have the field '{}', found none", column.from));
    if (column.kind == ColumnKind::kText) {
      question.texts[column.name] = missing ? "" : record_text(record, column.from, path_, line_);
    } else if (column.kind == ColumnKind::kList) {
      question.lists[column.name] = missing ? std::vector<std::string>() : read_list(*it, column.from);
    } else {
      each[column.name] = missing ? std::vector<std::string>() : read_list(*it, column.from);
    }
  }

  static void read_field(const Json& record, const std::string& key, Question& question) {
    const auto it = record.find(key);
    if (it != record.end() && (it->is_number() || it->is_string())) question.fields[key] = *it;
  }

  void add_made_columns(Question& question) const {
    for (const Column& column : task_.columns) {
      if (!is_made(column.kind)) continue;
      const std::string& source = question.texts[column.from];
      question.texts[column.name] = column.kind == ColumnKind::kWords
                                        ? fmt::format("{}", count_words(source))
                                        : replace_all(source, column.what, column.with);
    }
  }

  void add_each(const Question& common, const std::map<std::string, std::vector<std::string>>& each,
                std::vector<Question>& questions) const {
    const auto& [first_name, first] = *each.begin();
    for (const auto& [name, texts] : each) {
      if (texts.size() != first.size()) {
        fail(fmt::format("must have as many '{}' as '{}', found {} and {}", name, first_name, texts.size(),
                         first.size()));
      }
    }
    for (size_t i = 0; i < first.size(); ++i) {
      Question question = common;
      question.id = fmt::format("{}.{}", common.id, i + 1);
      for (const auto& [name, texts] : each) question.texts[name] = texts[i];
      add_made_columns(question);
      questions.push_back(std::move(question));
    }
  }

  [[noreturn]] void fail(const std::string& what) const { fail_at_line(path_, line_, what); }

  const FillTask& task_;
  const fs::path& path_;
  size_t line_ = 0;
  std::map<std::string, size_t> lines_;
};

std::vector<std::string> column_texts(const Question& question, const std::string& name) {
  if (name.empty()) return {};
  const auto list = question.lists.find(name);
  if (list != question.lists.end()) return list->second;
  return {question.texts.at(name)};
}

// Of all that stands before the end of the document: items that share it can share its place in the KV cache.
std::string document_key(const EvalItem& item, const std::string& document) {
  std::string before;
  for (const Turn& turn : item.turns) {
    const size_t at = document.empty() ? std::string::npos : turn.content.find(document);
    before += turn.role + "\n";
    if (at != std::string::npos) {
      before.append(turn.content, 0, at + document.size());
      return sha256_hex(before).substr(0, 16);
    }
    before += turn.content + "\n";
  }
  return "";
}

Columns shown_columns(const FillTask& task, const Question& question) {
  Columns columns;
  for (const Column& column : task.columns) {
    if (task.hidden.contains(column.name)) {
      columns.emplace_back(column.name, "");
    } else if (column.kind != ColumnKind::kList) {
      columns.emplace_back(column.name, question.texts.at(column.name));
    }
  }
  for (const std::string& name : task.hidden) {
    if (find_column(task.columns, name) == nullptr) columns.emplace_back(name, "");
  }
  return columns;
}

void add_items(const FillTask& task, const Question& question, std::vector<EvalItem>& items) {
  const Columns columns = shown_columns(task, question);
  for (size_t i = 0; i < task.parts.size(); ++i) {
    const Part& part = task.parts[i];
    EvalItem item = start_item(task.basics, part.name.empty() ? question.id : question.id + "." + part.name);
    item.turns = fill_turns(part.turns, columns, task.rule);
    join_bare_turns(item);
    if (!part.name.empty()) item.fields["part"] = part.name;
    item.fields.update(question.fields);
    if (!task.document.empty()) item.document = document_key(item, question.texts.at(task.document));
    if (i > 0) {
      item.join_after = items.back().id;
      item.join_open = part.open;
      item.join_close = part.close;
    }
    if (i + 1 == task.parts.size()) {
      item.references = column_texts(question, task.references);
      item.classes = column_texts(question, task.classes);
    } else {
      item.metric.clear();
    }
    items.push_back(std::move(item));
  }
}

}  // namespace

void build_fill_items(Loading& loading, size_t index) {
  const FillTask task = read_fill_task(loading.spec.task(index));
  const std::string file = loading.folder.require(task.file);
  const fs::path path = loading.folder.path(file);
  const DataText text = read_data(path);
  std::vector<Question> questions;
  RecordReader reader(task, path);
  for_each_record(text.bytes, path,
                  [&](const Json& record, size_t line) { reader.read(record, line, questions); });
  loading.compare_count(index, questions.size(), file);
  const std::vector<size_t> picked =
      pick_items(questions.size(), loading.options.limit, loading.options.seed);
  for (const size_t i : picked) add_items(task, questions[i], loading.suite.items);
  loading.suite.data.push_back({file, text.sha256, picked.size()});
}

}  // namespace longscroll
