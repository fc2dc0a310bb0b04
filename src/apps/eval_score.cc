// eval score: what predictions are worth that were made somewhere else, without any model.
#include <algorithm>

#include <fmt/format.h>

#include "apps/eval_commands.h"
#include "apps/given_scores.h"
#include "base/error.h"

namespace longscroll {
namespace {

struct ScoreOptions {
  std::vector<std::string> files;
  std::string protocol = "both";
  std::string metric;
  std::string task;
  bool json = false;
  bool summary = false;
};

std::vector<Protocol> wanted_protocols(const std::string& name) {
  if (name == "both") return {Protocol::kOfficial, Protocol::kOpenCompass};
  return {protocol_from_name(name)};
}

bool is_prediction_file(GivenForm form) {
  return form == GivenForm::kLEvalFile || form == GivenForm::kLongBenchFile;
}

Json without_items(Json file) {
  file.erase("items");
  return file;
}

// A line for each task: its name, how many, and the number of each protocol.
std::string table_row(const Json& task) {
  const auto number = [&](std::initializer_list<const char*> keys) -> std::string {
    for (const char* key : keys) {
      if (task.contains(key) && task[key].is_number()) return fmt::format("{:.2f}", task[key].get<double>());
    }
    return "-";
  };
  const auto name = [&] {
    return task.contains("task") ? task["task"].get<std::string>() : task["metric"].get<std::string>();
  };
  return fmt::format("{:<28} {:>6} {:>9} {:>12} {:>9}\n", name(), task["n"].get<size_t>(),
                     number({"official_leval_score", "official_scorer_pct", "official"}),
                     number({"opencompass_headline", "opencompass_pct", "opencompass"}), number({"clean"}));
}

void append_line(std::string& out, const Json& json) {
  out += json.dump() + "\n";
}

// All of the output, so that nothing is printed of files of which one is at fault.
std::string score_files(const ScoreOptions& options) {
  const GivenOptions given{wanted_protocols(options.protocol), options.metric, options.task};
  std::string lines;
  std::vector<Json> tasks;
  for (const std::string& path : options.files) {
    const GivenFile file = read_given_file(path, !options.metric.empty());
    if (is_prediction_file(file.form)) {
      const Json scored = file.form == GivenForm::kLEvalFile ? score_leval_file(file, given)
                                                             : score_longbench_file(file, given);
      tasks.push_back(options.summary ? without_items(scored) : scored);
    } else if (options.summary && file.form != GivenForm::kJiebaCase) {
      for (const Json& task : summarise_given_lines(file, given)) tasks.push_back(task);
    } else {
      for (const Json& line : score_given_lines(file, given)) append_line(lines, line);
    }
  }
  if (tasks.empty()) return lines;
  if (options.json) {
    for (const Json& task : tasks) append_line(lines, task);
    return lines;
  }
  lines +=
      fmt::format("{:<28} {:>6} {:>9} {:>12} {:>9}\n", "task", "items", "official", "opencompass", "clean");
  for (const Json& task : tasks) lines += table_row(task);
  return lines;
}

}  // namespace

void add_eval_score(CLI::App& eval, Action& action) {
  auto options = std::make_shared<ScoreOptions>();
  CLI::App* command = eval.add_subcommand("score", "Scores given predictions, without any model");
  command
      ->add_option("FILE", options->files,
                   "JSON lines: metric cases, predictions of LongBench or L-Eval, records")
      ->required();
  command->add_option("--protocol", options->protocol, "Whose rules: both are official and opencompass")
      ->check(CLI::IsMember({"opencompass", "official", "clean", "both"}))
      ->capture_default_str();
  command->add_option("--metric", options->metric, "Score records by this one instead of their own");
  command->add_option("--task", options->task, "The task of a prediction file whose name does not say it");
  command->add_flag("--summary", options->summary, "Each task's number instead of each line's");
  command->add_flag("--json", options->json,
                    "Tasks as JSON, one a line, with their items (lines always are JSON)");
  command->footer(
      "Nothing is printed when a line of a file is at fault.\n\n"
      "Example:\n  longscroll eval score run/records.jsonl --summary\n"
      "  longscroll eval score predictions/coursera.jsonl --json");
  command->callback([&action, options] {
    action = [options] {
      write_out(score_files(*options));
      return 0;
    };
  });
}

}  // namespace longscroll
