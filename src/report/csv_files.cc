#include "report/csv_files.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "report/needle.h"
#include "report/perplexity.h"
#include "report/published.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

class Csv {
 public:
  explicit Csv(const std::vector<std::string>& header) { add(header); }

  void add(const std::vector<std::string>& fields) {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) text_ += ',';
      text_ += csv(fields[i]);
    }
    text_ += "\r\n";
    ++rows_;
  }
  bool is_empty() const { return rows_ <= 1; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  size_t rows_ = 0;
};

std::string number(double value) {
  return fmt::format("{}", value);  // the shortest that reads back as the same
}

std::string count(size_t value) {
  return fmt::format("{}", value);
}

Csv scores_csv(const Views& views) {
  Csv out({"run", "suite", "protocol", "task", "metric", "items", "of_items", "score"});
  for (const RunView* view : views) {
    const Manifest& manifest = view->run.manifest;
    for (const TaskScore& task : view->scores.tasks) {
      out.add({view->label, manifest.suite, to_string(manifest.protocol), task.task, task.metric,
               count(task.items), task.of ? count(*task.of) : "", number(task.score)});
    }
  }
  return out;
}

Csv averages_csv(const Views& views) {
  Csv out({"run", "suite", "protocol", "group", "tasks", "items", "of_items", "score"});
  std::set<std::string> suites;
  for (const RunView* view : views) {
    if (!view->suite) continue;
    const Manifest& manifest = view->run.manifest;
    suites.insert(manifest.suite);
    for (const SuiteGroup& group : view->suite->groups) {
      const auto mean = view->scores.means.find(group.name);
      if (mean == view->scores.means.end()) continue;
      const std::vector<std::string> tasks = tasks_below(*view->suite, group);
      size_t items = 0;
      size_t of = 0;
      bool known = true;
      for (const std::string& name : tasks) {
        const TaskScore* task = view->scores.find(name);
        if (task == nullptr) continue;
        items += task->items;
        of += task->of.value_or(0);
        known = known && task->of;
      }
      out.add({view->label, manifest.suite, to_string(manifest.protocol), group.name, count(tasks.size()),
               count(items), known ? count(of) : "", number(mean->second)});
    }
  }
  for (const PublishedColumn& column : published().columns) {
    const std::optional<SuiteInfo> suite = known_suite(column.suite, Protocol::kOpenCompass);
    if (!suite || (!views.empty() && !suites.contains(column.suite))) continue;
    const std::map<std::string, double> means = group_means(*suite, column.counted());
    for (const SuiteGroup& group : suite->groups) {
      const auto mean = means.find(group.name);
      if (mean == means.end()) continue;
      out.add({column.model, column.suite, "published", group.name, count(tasks_below(*suite, group).size()),
               "", "", number(mean->second)});
    }
  }
  return out;
}

Csv needle_csv(const Views& views) {
  Csv out({"run", "protocol", "task", "language", "length", "depth", "items", "score"});
  for (const RunView* view : views) {
    if (!is_needle_run(view->run)) continue;
    for (const NeedleMap& map : needle_maps(view->run)) {
      for (const auto& [place, cell] : map.cells) {
        out.add({view->label, to_string(view->run.manifest.protocol), map.task, map.language,
                 count(place.first), count(place.second), count(cell.items), number(cell.score)});
      }
    }
  }
  return out;
}

Csv perplexity_csv(const Views& views) {
  Csv out({"run", "task", "length", "tokens", "nats", "perplexity"});
  for (const RunView* view : views) {
    for (const PerplexityCurve& curve : perplexity_curves(view->run)) {
      for (const PerplexityPoint& point : curve.points) {
        out.add({view->label, curve.label, count(point.length), count(point.tokens), number(point.nats),
                 number(point.perplexity())});
      }
    }
  }
  return out;
}

Csv speed_csv(const Views& views) {
  Csv out({"run", "suite", "items", "prompt_tokens", "reused_tokens", "prefill_seconds", "generated_tokens",
           "decode_seconds"});
  for (const RunView* view : views) {
    const Speed speed = speed_of(view->run);
    out.add({view->label, view->run.manifest.suite, count(view->run.records.size()),
             count(speed.prompt_tokens), count(speed.reused_tokens), number(speed.prefill_seconds),
             count(speed.generated_tokens), number(speed.decode_seconds)});
  }
  return out;
}

Csv comparison_csv(const std::vector<ComparedRuns>& compared) {
  Csv out({"suite", "name", "matched", "first", "second", "difference", "low", "high"});
  const auto add = [&](const std::string& suite, const Difference& difference) {
    out.add({suite, difference.name, count(difference.matched), number(difference.first),
             number(difference.second), number(difference.difference()),
             difference.interval ? number(difference.interval->low) : "",
             difference.interval ? number(difference.interval->high) : ""});
  };
  for (const ComparedRuns& pair : compared) {
    const std::string& suite = pair.first->run.manifest.suite;
    for (const Difference& task : pair.comparison.tasks) add(suite, task);
    for (const Difference& group : pair.comparison.groups) add(suite, group);
    add(suite, pair.comparison.overall);
  }
  return out;
}

Csv training_csv(const std::vector<TrainingRun>& trainings) {
  Csv out({"run", "step", "tokens", "loss", "learning_rate", "gradient_norm", "tokens_per_second"});
  for (const TrainingRun& run : trainings) {
    for (const TrainingStep& step : run.steps) {
      out.add({run.label, count(step.step), count(step.tokens), number(step.loss), number(step.learning_rate),
               number(step.gradient_norm), number(step.tokens_per_second)});
    }
  }
  return out;
}

}  // namespace

std::vector<CsvFile> csv_files(const Views& views, const std::vector<TrainingRun>& trainings,
                               const std::vector<ComparedRuns>& compared) {
  std::vector<CsvFile> files;
  const auto add = [&](const char* name, const Csv& file) {
    if (!file.is_empty()) files.push_back({name, file.text()});
  };
  add("scores.csv", scores_csv(views));
  add("averages.csv", averages_csv(views));
  add("needle.csv", needle_csv(views));
  add("perplexity.csv", perplexity_csv(views));
  add("speed.csv", speed_csv(views));
  add("training.csv", training_csv(trainings));
  add("comparison.csv", comparison_csv(compared));
  return files;
}

}  // namespace longscroll::report
