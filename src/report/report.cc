#include "report/report.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "report/csv_files.h"
#include "report/items.h"
#include "report/needle.h"
#include "report/page_files.h"
#include "report/perplexity.h"
#include "report/published.h"
#include "report/sections.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

constexpr size_t kMostLabel = 80;  // characters

std::string unique(const std::string& wanted, std::set<std::string>& taken) {
  std::string name = wanted;
  for (int number = 2; !taken.insert(name).second; ++number) name = fmt::format("{}-{}", wanted, number);
  return name;
}

class Runs {
 public:
  const RunView& add(const std::filesystem::path& directory) {
    auto view = std::make_unique<RunView>();
    view->run = read_run(directory);
    const Manifest& manifest = view->run.manifest;
    view->suite = known_suite(manifest.suite, manifest.protocol);
    view->scores = score_run(view->run, view->suite ? &*view->suite : nullptr);
    // Runs of several suites share a label; two of one suite must not.
    const std::string label =
        shortened(manifest.label.empty() ? directory.filename().string() : manifest.label, kMostLabel);
    view->label = unique(label, labels_[manifest.suite]);
    view->stem = unique(file_stem(manifest.suite + "-" + view->label), stems_);
    views_.push_back(std::move(view));
    return *views_.back();
  }

  Views all() const {
    Views views;
    for (const auto& view : views_) views.push_back(view.get());
    return views;
  }

  // By directory or label; a directory that is not there yet is read.
  std::vector<const RunView*> named(const std::string& name) {
    std::vector<const RunView*> found;
    for (const auto& view : views_) {
      std::error_code error;
      if (view->label == name || std::filesystem::equivalent(view->run.directory, name, error)) {
        found.push_back(view.get());
      }
    }
    if (found.empty() && std::filesystem::is_directory(name)) found.push_back(&add(name));
    if (found.empty()) {
      throw Error(ErrorKind::kArgument, "--compare", fmt::format("must name two runs, found {}", name),
                  "a run's label or its directory");
    }
    return found;
  }

 private:
  std::vector<std::unique_ptr<RunView>> views_;
  std::map<std::string, std::set<std::string>> labels_;  // by suite
  std::set<std::string> stems_;
};

std::vector<ComparedRuns> compare_named(Runs& runs, const std::pair<std::string, std::string>& names) {
  const std::vector<const RunView*> firsts = runs.named(names.first);
  const std::vector<const RunView*> seconds = runs.named(names.second);
  if (firsts == seconds)
    throw Error(ErrorKind::kArgument, "--compare", "must name two different runs, found one");
  const auto compare = [](const RunView* first, const RunView* second) {
    return ComparedRuns{first, second,
                        compare_runs(first->run, second->run, first->suite ? &*first->suite : nullptr)};
  };
  std::vector<ComparedRuns> compared;
  for (const RunView* first : firsts) {
    const auto second = std::find_if(seconds.begin(), seconds.end(), [first](const RunView* view) {
      return view != first && view->run.manifest.suite == first->run.manifest.suite;
    });
    if (second != seconds.end()) compared.push_back(compare(first, *second));
  }
  if (compared.empty())
    compared.push_back(compare(firsts.front(), seconds.front()));  // says what does not fit
  return compared;
}

bool has_perplexity(const Run& run) {
  return std::any_of(run.records.begin(), run.records.end(),
                     [](const EvalRecord& record) { return record.metric == kPerplexity; });
}

// The suites' sections, in the order of the runs; with `published` also those that no run is of.
void add_score_sections(const Views& views, bool with_published, Page& page) {
  std::vector<std::string> suites;
  std::map<std::string, Views> by_suite;
  for (const RunView* view : views) {
    if (is_needle_run(view->run) || view->scores.tasks.empty()) continue;
    Views& of_suite = by_suite[view->run.manifest.suite];
    if (of_suite.empty()) suites.push_back(view->run.manifest.suite);
    of_suite.push_back(view);
  }
  if (with_published) {
    for (const PublishedColumn& column : published().columns) {
      if (std::find(suites.begin(), suites.end(), column.suite) == suites.end())
        suites.push_back(column.suite);
    }
  }
  const auto is_long = [](const std::string& suite) { return suite == "longbench" || suite == "leval"; };
  if (std::any_of(suites.begin(), suites.end(), is_long)) page.sections.push_back(averages_section(views));
  for (const std::string& name : suites) {
    const Views& of_suite = by_suite[name];
    std::optional<SuiteInfo> suite =
        of_suite.empty() ? known_suite(name, Protocol::kOpenCompass) : of_suite.front()->suite;
    page.sections.push_back(scores_section(name, suite ? &*suite : nullptr, of_suite));
  }
}

std::string title_of(const Views& views, const std::vector<TrainingRun>& trainings) {
  if (views.size() + trainings.size() == 1)
    return views.empty() ? trainings.front().label : views.front()->label;
  if (!views.empty()) return "Evaluation";
  return trainings.empty() ? "Published scores" : "Training";
}

Page make_page(const ReportRequest& request, const Views& views, const std::vector<TrainingRun>& trainings,
               const std::vector<ComparedRuns>& compared) {
  Page page;
  page.title = request.title.empty() ? title_of(views, trainings) : request.title;
  page.sections = request.opening;
  if (!trainings.empty()) page.sections.push_back(training_section(trainings));
  if (!views.empty()) page.sections.push_back(overview_section(views));
  for (const ComparedRuns& pair : compared) page.sections.push_back(comparison_section(pair));
  Views needles;
  Views perplexities;
  std::copy_if(views.begin(), views.end(), std::back_inserter(needles),
               [](const RunView* v) { return is_needle_run(v->run); });
  std::copy_if(views.begin(), views.end(), std::back_inserter(perplexities),
               [](const RunView* v) { return has_perplexity(v->run); });
  if (!needles.empty()) page.sections.push_back(needle_section(needles));
  add_score_sections(views, request.published, page);
  if (!perplexities.empty()) page.sections.push_back(perplexity_section(perplexities));
  if (views.empty()) return page;
  page.sections.push_back(lengths_section(views));
  page.sections.push_back(speed_section(views));
  page.sections.push_back(manifest_section(views));
  std::vector<NamedRun> runs;
  for (const RunView* view : views) {
    runs.push_back({fmt::format("{}: {}", view->run.manifest.suite, view->label), &view->run});
  }
  page.items = items_json(runs);
  return page;
}

}  // namespace

ReportSummary write_report(const ReportRequest& request) {
  Runs runs;
  std::vector<TrainingRun> trainings;
  for (const std::filesystem::path& directory : request.runs) {
    if (is_training_run(directory)) {
      trainings.push_back(read_training_run(directory));
    } else {
      runs.add(directory);
    }
  }
  std::vector<ComparedRuns> compared;
  if (request.compare) compared = compare_named(runs, *request.compare);
  const Views views = runs.all();
  const Page page = make_page(request, views, trainings, compared);
  PageFiles files(request.out);
  files.write(page);
  for (const CsvFile& file : csv_files(views, trainings, compared)) files.write(file.name, file.text);
  ReportSummary summary{files.files(), {}};
  for (const RunView* view : views) {
    for (const std::string& remark : view->run.remarks) {
      summary.remarks.push_back(fmt::format("{} ({}): {}", view->label, view->run.manifest.suite, remark));
    }
  }
  return summary;
}

}  // namespace longscroll::report
