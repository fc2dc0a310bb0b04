// report: pages out of runs of evaluation and of training.
#include <fmt/format.h>

#include "apps/commands.h"
#include "report/report.h"

namespace longscroll {
namespace {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string out;
  std::string title;
  std::vector<std::string> compare;
  bool published = false;
};

int make_report(const ReportOptions& options) {
  report::ReportRequest request;
  request.runs.assign(options.runs.begin(), options.runs.end());
  request.out = options.out;
  request.title = options.title;
  request.published = options.published;
  if (!options.compare.empty()) request.compare.emplace(options.compare.at(0), options.compare.at(1));
  const report::ReportSummary summary = report::write_report(request);
  write_remarks(summary.remarks);
  for (const std::filesystem::path& file : summary.files) write_out(file.string() + "\n");
  return 0;
}

}  // namespace

void add_report_command(CLI::App& program, Action& action) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command =
      program.add_subcommand("report", "Pages, tables and pictures of runs of eval and training");
  command->add_option("RUN", options->runs, "Directories that eval or longscroll-train wrote");
  command->add_option("--out", options->out, "Folder for the report")->required();
  command->add_option("--title", options->title, "Title of the page (default: the run's label)");
  CLI::Option* compare =
      command
          ->add_option("--compare", options->compare,
                       "Two runs, by label or directory: their difference, in every suite that both have")
          ->expected(2);
  command->add_flag("--published", options->published,
                    "Published scores also of the suites that no run is of; alone, without a run");
  command->footer(
      "Writes index.html, which needs no other file, report.md, tables as CSV and figures as SVG, and "
      "prints\n"
      "their names.\n\nExample:\n  longscroll report runs/needle runs/longbench --out report");
  command->callback([&action, options, compare] {
    if (options->runs.empty() && !options->published && compare->count() == 0) {
      throw CLI::RequiredError("RUN, --compare or --published");
    }
    action = [options] { return make_report(*options); };
  });
}

}  // namespace longscroll
