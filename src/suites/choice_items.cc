// The builder "choice": multiple choice from a .csv file, with worked examples from another before the
// question. MMLU, C-Eval, CMMLU; generated answers or the likelihood of each letter.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "suites/builders.h"
#include "suites/csv.h"
#include "suites/python_random.h"

namespace longscroll {
namespace {

struct ChoiceTask {
  TaskBasics basics;
  std::string file;
  std::string shots_file;
  size_t shots = 0;
  bool header = false;
  std::vector<std::string> columns;  // in the file's order (without header) or as named there
  std::string answer;
  std::vector<std::string> choices;
  std::vector<TurnTemplate> head;  // once, before all
  std::vector<TurnTemplate> shot;
  std::vector<TurnTemplate> turns;
  FillRule rule = FillRule::kOnePass;
};

std::string with_task_name(const std::string& text, const std::string& name) {
  return fill_template(text, {{"task", name}}, FillRule::kOnePass);
}

// Constants are part of the template: a brace in a row never meets them.
std::vector<TurnTemplate> read_choice_turns(Settings& settings, const char* key, const Columns& constants) {
  std::vector<TurnTemplate> turns = read_turns(settings, key);
  for (TurnTemplate& turn : turns) turn.text = fill_template(turn.text, constants, FillRule::kOnePass);
  return turns;
}

void check_turns(const ChoiceTask& task, const std::vector<TurnTemplate>& turns, const Settings& settings) {
  for (const TurnTemplate& turn : turns) {
    for (const std::string& name : template_columns(turn.text)) {
      if (std::find(task.columns.begin(), task.columns.end(), name) == task.columns.end()) {
        settings.fail(fmt::format("a turn must use columns or constants, found '{{{}}}'", name));
      }
    }
  }
}

void check_task(const ChoiceTask& task, const Settings& settings) {
  if (task.turns.empty()) settings.fail("must have 'turns', found none");
  if (task.columns.empty()) settings.fail("must have 'columns', found none");
  if (std::find(task.columns.begin(), task.columns.end(), task.answer) == task.columns.end()) {
    settings.fail(fmt::format("'answer' must be a column, found '{}'", task.answer));
  }
  if (task.choices.empty() == (task.basics.max_new_tokens == 0)) {
    settings.fail("must have either 'choices' or 'max_new_tokens'");
  }
  if (task.shots > 0 && task.shot.empty()) settings.fail("must have 'shot_turns' for its shots, found none");
  for (const auto* turns : {&task.head, &task.shot, &task.turns}) check_turns(task, *turns, settings);
}

ChoiceTask read_choice_task(Settings settings) {
  ChoiceTask task;
  task.basics = read_basics(settings);
  task.file = with_task_name(settings.text("file"), task.basics.name);
  task.shots = settings.number_or("shots", 0);
  task.shots_file = with_task_name(settings.text_or("shots_file", ""), task.basics.name);
  task.header = settings.flag_or("header", false);
  task.columns = settings.texts("columns");
  task.answer = settings.text("answer");
  const Columns constants = settings.pairs("constants");
  task.choices = settings.texts("choices");
  task.head = read_choice_turns(settings, "head_turns", constants);
  task.shot = read_choice_turns(settings, "shot_turns", constants);
  task.turns = read_choice_turns(settings, "turns", constants);
  task.rule = read_fill_rule(settings);
  settings.finish();
  check_task(task, settings);
  return task;
}

struct ChoiceFile {
  std::string file;
  std::string sha256;
  std::vector<size_t> lines;
  std::vector<Columns> rows;
};

// Where each wanted column stands in the file.
std::vector<size_t> column_places(const ChoiceTask& task, const CsvRow& first, const std::string& where) {
  std::vector<size_t> places;
  for (size_t i = 0; i < task.columns.size(); ++i) {
    if (!task.header) {
      places.push_back(i);
      continue;
    }
    const auto it = std::find(first.fields.begin(), first.fields.end(), task.columns[i]);
    if (it == first.fields.end()) {
      fail_at_line(where, first.line, fmt::format("must name the column '{}', found none", task.columns[i]));
    }
    places.push_back(static_cast<size_t>(it - first.fields.begin()));
  }
  return places;
}

ChoiceFile read_file(const ChoiceTask& task, const std::string& file, const DataFolder& folder) {
  ChoiceFile read;
  read.file = folder.require(file);
  const std::string where = folder.path(read.file).string();
  const DataText text = read_data(where);
  read.sha256 = text.sha256;
  const std::vector<CsvRow> rows = parse_csv(text.bytes, where);
  const size_t width = task.header ? rows[0].fields.size() : task.columns.size();
  const std::vector<size_t> places = column_places(task, rows[0], where);
  for (size_t i = task.header ? 1 : 0; i < rows.size(); ++i) {
    if (rows[i].fields.size() != width) {
      fail_at_line(where, rows[i].line,
                   fmt::format("must have {} columns, found {}", width, rows[i].fields.size()));
    }
    Columns columns;
    for (size_t c = 0; c < places.size(); ++c)
      columns.emplace_back(task.columns[c], rows[i].fields[places[c]]);
    read.lines.push_back(rows[i].line);
    read.rows.push_back(std::move(columns));
  }
  return read;
}

std::string& column(Columns& columns, const std::string& name) {
  return std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.first == name; })->second;
}

void append(std::vector<Turn>& to, std::vector<Turn> turns) {
  to.insert(to.end(), std::make_move_iterator(turns.begin()), std::make_move_iterator(turns.end()));
}

EvalItem make_item(const ChoiceTask& task, const std::vector<Turn>& before, Columns row, size_t line) {
  EvalItem item = start_item(task.basics, fmt::format("{}", line));
  item.references = {column(row, task.answer)};
  column(row, task.answer).clear();  // the question's own answer is never shown
  for (const Turn& turn : before) {
    // OpenCompass fills the whole prompt with the question's row once more, examples and all.
    const bool again = task.rule == FillRule::kColumnByColumn;
    item.turns.push_back({turn.role, again ? fill_template(turn.content, row, task.rule) : turn.content});
  }
  append(item.turns, fill_turns(task.turns, row, task.rule));
  join_bare_turns(item);
  item.choices = task.choices;
  item.fields["shots"] = task.shots;
  item.document = fmt::format("{}-shots", task.basics.name);
  return item;
}

// What the metric compares: the letter, or for likelihoods the choice that is its text.
std::string right_answer(const ChoiceTask& task, const std::string& answer, const std::string& where,
                         size_t line) {
  if (answer.empty())
    fail_at_line(where, line, fmt::format("must have an answer in '{}', found none", task.answer));
  if (task.choices.empty()) return answer;
  const auto it = std::find_if(task.choices.begin(), task.choices.end(), [&](const auto& choice) {
    return choice == answer || choice == " " + answer;
  });
  if (it == task.choices.end()) {
    fail_at_line(where, line, fmt::format("must have one of the choices as answer, found '{}'", answer));
  }
  return *it;
}

}  // namespace

void build_choice_items(Loading& loading, size_t index) {
  const ChoiceTask task = read_choice_task(loading.spec.task(index));
  std::vector<Turn> before;
  if (!task.head.empty()) before = fill_turns(task.head, {}, task.rule);
  if (task.shots > 0) {
    ChoiceFile shots = read_file(task, task.shots_file, loading.folder);
    if (shots.rows.size() < task.shots) {
      throw Error(ErrorKind::kFile, shots.file,
                  fmt::format("must have {} examples, found {}", task.shots, shots.rows.size()));
    }
    shots.rows.resize(task.shots);
    for (const Columns& row : shots.rows) append(before, fill_turns(task.shot, row, task.rule));
    loading.suite.data.push_back({shots.file, shots.sha256, 0});
  }
  const ChoiceFile questions = read_file(task, task.file, loading.folder);
  const std::string where = loading.folder.path(questions.file).string();
  loading.compare_count(index, questions.rows.size(), questions.file);
  const std::vector<size_t> picked =
      pick_items(questions.rows.size(), loading.options.limit, loading.options.seed);
  for (size_t i = 0, next = 0; i < questions.rows.size(); ++i) {
    EvalItem item = make_item(task, before, questions.rows[i], questions.lines[i]);
    item.references = {right_answer(task, item.references[0], where, questions.lines[i])};
    if (next == picked.size() || picked[next] != i) continue;
    ++next;
    loading.suite.items.push_back(std::move(item));
  }
  loading.suite.data.push_back({questions.file, questions.sha256, picked.size()});
}

}  // namespace longscroll
