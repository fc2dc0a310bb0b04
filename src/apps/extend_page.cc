#include "apps/extend_page.h"

#include <fmt/format.h>

#include "apps/extend_corpus.h"
#include "apps/rope_map_file.h"
#include "console/terminal.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwnMethod = "own";  // of `rope map`: the model as it is

report::RopeMap read_side(const ExtendPlan& plan, const char* side) {
  return read_map(plan.out() / side / "map" / kMapFile);
}

report::RopeMap both_maps(const ExtendPlan& plan) {
  report::RopeMap both;
  both.row_name = "Model";
  for (const char* side : {report::kBefore, report::kAfter}) {
    report::RopeMap map = read_side(plan, side);
    both.methods.emplace_back(side);
    both.lengths = map.lengths;
    for (auto& [place, cell] : map.cells) {
      if (place.first == kOwnMethod) both.cells[{side, place.second}] = std::move(cell);
    }
  }
  return both;
}

bool has_needle(const ExtendRun& run) {
  return fs::exists(run.plan.out() / report::kAfter / "needle");
}

std::vector<std::pair<std::string, std::string>> bases_of(const ExtendRun& run) {
  const RopePlan& rope = run.rope;
  const std::string tokens = format_count(run.plan.settings.window) + " tokens";
  std::vector<std::pair<std::string, std::string>> bases = {
      {fmt::format("As trained, for {} tokens", format_count(run.plan.old_window)),
       base_text(rope.trained.base)},
      {"Critical base (2310.05209) for " + tokens, base_text(rope.wanted.critical_base)},
      {"Lowest base (2405.14591) for " + tokens, base_text(rope.wanted.lowest_base)}};
  if (rope.wanted.printed_lowest_base)
    bases.emplace_back("The same as the paper's table 2 prints it",
                       base_text(*rope.wanted.printed_lowest_base));
  bases.emplace_back("Recommended: satisfies both", base_text(rope.suggested));
  bases.emplace_back(run.plan.settings.base > 0 ? "Trained with, as --base has it" : "Trained with",
                     base_text(run.plan.base));
  return bases;
}

std::vector<std::string> facts_of(const ExtendRun& run) {
  const CorpusSplit split = read_split(run.plan);
  std::string times;
  for (const EndedStage& ended : run.stages)
    times +=
        fmt::format("{}{} {}", times.empty() ? "" : "; ", ended.stage.title, format_duration(ended.seconds));
  return {
      fmt::format("Of {} documents {} were kept apart by the hash of their text; perplexity is measured on "
                  "{} of these, the needle hidden in them.",
                  format_count(split.documents), format_count(split.kept_apart), split.texts.size()),
      "Time: " + times + "."};
}

}  // namespace

report::Extension read_extension(const ExtendRun& run) {
  report::Extension extension;
  extension.old_window = run.plan.old_window;
  extension.window = run.plan.settings.window;
  extension.bases = bases_of(run);
  extension.findings = run.rope.findings;
  extension.facts = facts_of(run);
  extension.map = both_maps(run.plan);
  if (has_needle(run)) {
    extension.needle = report::needle_scores(report::read_run(run.plan.out() / report::kBefore / "needle"),
                                             report::read_run(run.plan.out() / report::kAfter / "needle"));
  }
  return extension;
}

report::ReportSummary write_extension_page(const ExtendRun& run) {
  const fs::path out = run.plan.out();
  report::ReportRequest request;
  request.out = out / kReportStage;
  request.title = fmt::format("{}: from {} to {} tokens", fs::path(run.plan.settings.model).stem().string(),
                              format_count(run.plan.old_window), format_count(run.plan.settings.window));
  request.opening = report::extension_sections(read_extension(run));
  request.runs.push_back(out / "long-pt");
  if (!run.plan.settings.sft.empty()) request.runs.push_back(out / "long-sft");
  if (has_needle(run)) {
    const fs::path before = out / report::kBefore / "needle", after = out / report::kAfter / "needle";
    request.runs.insert(request.runs.end(), {before, after});
    request.compare.emplace(before.string(), after.string());
  }
  return report::write_report(request);
}

}  // namespace longscroll
