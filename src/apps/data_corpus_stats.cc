// data stats of a corpus: the funnel of its steps, and the report's figures after each, by source.
#include <filesystem>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "apps/data_commands.h"
#include "apps/data_steps.h"
#include "base/cpu_features.h"
#include "base/error.h"
#include "console/terminal.h"
#include "corpus/funnel.h"
#include "formats/atomic_file.h"
#include "report/page.h"
#include "report/text.h"

namespace longscroll {
namespace {

struct MeasuredStep {
  corpus::FunnelStep step;
  std::optional<corpus::CorpusLengths> lengths;

  std::string name() const { return step.manifest.at("step").get<std::string>(); }
};

std::vector<MeasuredStep> measure(const CorpusStatsOptions& options) {
  std::vector<MeasuredStep> measured;
  const corpus::CountTokens count = lazy_counter(options.tokenizer);
  const int threads = options.threads > 0 ? options.threads : available_cores();
  for (corpus::FunnelStep& step : corpus::chain_of(options.folder)) {
    MeasuredStep& one = measured.emplace_back(MeasuredStep{std::move(step), std::nullopt});
    if (options.tokenizer.empty()) continue;
    StepProgress progress("Counting " + one.name());
    one.lengths =
        corpus::measure_lengths(corpus::find_documents({one.step.folder}), count, threads, progress.events());
    progress.finish();
    if (one.lengths->faults.count() > 0) {
      write_remarks({fmt::format("{} fault(s) in the shards of {}: not counted", one.lengths->faults.count(),
                                 one.name())});
    }
  }
  return measured;
}

struct Sum {
  uint64_t documents = 0;
  uint64_t bytes = 0;
};

Sum total_of(const Json& tallies) {
  Sum sum;
  for (const auto& [name, tally] : tallies.items()) {
    sum.documents += tally.at("documents").get<uint64_t>();
    sum.bytes += tally.at("bytes").get<uint64_t>();
  }
  return sum;
}

report::Table funnel_table(const std::vector<MeasuredStep>& steps) {
  report::Table table;
  table.caption = "What came in, what was dropped for which reason, and what went on";
  table.columns = {{"step", "", false},     {"", "", false},
                   {"documents", "", true}, {"share", "of what came in", true},
                   {"text", "", true},      {"tokens", "", true}};
  std::string tokens;  // of what goes into the step
  const auto add = [&](std::string step, std::string what, const Sum& sum, uint64_t all,
                       std::string counted) {
    const bool begins = !step.empty();
    table.rows.push_back(
        {{std::move(step), std::move(what), report::thousands(sum.documents),
          report::fixed(percent(sum.documents, all), 2) + " %", format_bytes(sum.bytes), std::move(counted)},
         begins ? report::RowKind::kGroup : report::RowKind::kPlain});
  };
  for (const MeasuredStep& step : steps) {
    const Json& manifest = step.step.manifest;
    const Sum in = total_of(manifest.at("in"));
    add(step.name(), "in", in, in.documents, tokens);
    for (const auto& [reason, tally] : manifest.at("dropped").items()) {
      const Sum dropped{tally.at("documents").get<uint64_t>(), tally.at("bytes").get<uint64_t>()};
      add("", "dropped: " + reason, dropped, in.documents, "");
    }
    for (const auto& [change, count] : manifest.at("changes").items()) {
      const std::string none;
      const std::string mended =
          fmt::format("mended: {} {}", report::thousands(count.get<uint64_t>()), change);
      table.rows.push_back({{none, mended, none, none, none, none}, report::RowKind::kPlain});
    }
    tokens = step.lengths ? report::thousands(step.lengths->all.tokens) : "";
    add("", "out", total_of(manifest.at("out")), in.documents, tokens);
  }
  return table;
}

report::Table sources_table(const corpus::CorpusLengths& lengths) {
  report::Table table;
  table.caption = "By source";
  table.columns = {{"source", "", false},
                   {"documents", "", true},
                   {"tokens", "", true},
                   {"median", "tokens", true},
                   {"90 % up to", "", true},
                   {"longest", "", true},
                   {"above 32K", "of the tokens", true}};
  for (const auto& [source, stats] : lengths.by_source) {
    uint64_t long_tokens = 0;
    for (const data::LengthStep& step : stats.steps) {
      if (step.above >= 32768) long_tokens += step.tokens;
    }
    table.rows.push_back(
        {{source, report::thousands(stats.documents), report::thousands(stats.tokens),
          report::thousands(stats.median), report::thousands(stats.p90), report::thousands(stats.longest),
          report::fixed(percent(long_tokens, stats.tokens), 1) + " %"},
         report::RowKind::kPlain});
  }
  return table;
}

std::string page_of(const std::vector<MeasuredStep>& steps, const CorpusStatsOptions& options) {
  report::Page page;
  page.title = "Corpus " + std::filesystem::path(options.folder).lexically_normal().string();
  report::Section funnel{"funnel", "Funnel", {funnel_table(steps)}};
  if (options.tokenizer.empty()) {
    funnel.blocks.insert(funnel.blocks.begin(),
                         report::Paragraph{"No tokenizer was named, so that tokens were not counted.", true});
  }
  page.sections.push_back(std::move(funnel));
  for (const MeasuredStep& step : steps) {
    if (!step.lengths) continue;
    const std::string id = "lengths-" + step.name();
    page.sections.push_back(
        {id,
         "Lengths after " + step.name(),
         {report::Figure{id, "Documents and tokens by length, counted by " + options.tokenizer,
                         lengths_chart(step.lengths->all)},
          sources_table(*step.lengths)}});
  }
  return html_page(page);
}

Json to_json(const std::vector<MeasuredStep>& steps, const CorpusStatsOptions& options) {
  Json json = {{"folder", options.folder},
               {"tokenizer", options.tokenizer.empty() ? Json(nullptr) : Json(options.tokenizer)},
               {"steps", Json::array()}};
  for (const MeasuredStep& step : steps) {
    Json one = {{"folder", step.step.folder.string()}};
    for (const char* key : {"step", "in", "dropped", "out", "changes", "faults"})
      one[key] = step.step.manifest.at(key);
    one["lengths"] = step.lengths ? lengths_to_json(step.lengths->all) : Json(nullptr);
    one["sources"] = Json::object();
    if (step.lengths) {
      for (const auto& [source, stats] : step.lengths->by_source)
        one["sources"][source] = lengths_to_json(stats);
    }
    json["steps"].push_back(std::move(one));
  }
  return json;
}

}  // namespace

int corpus_stats(const CorpusStatsOptions& options) {
  const std::vector<MeasuredStep> steps = measure(options);
  const MeasuredStep& last = steps.back();
  if (!options.svg.empty()) {
    if (!last.lengths)
      throw Error(ErrorKind::kArgument, "--svg", "needs --tokenizer for a corpus, found none");
    write_file(options.svg, lengths_chart(last.lengths->all).document());
  }
  if (!options.html.empty()) write_file(options.html, page_of(steps, options));
  if (options.json) {
    write_json(to_json(steps, options));
    return 0;
  }
  std::string text;
  for (const MeasuredStep& step : steps) text += step.name() + "\n" + manifest_as_text(step.step.manifest);
  if (last.lengths) text += "\n" + lengths_as_text(last.lengths->all);
  write_out(text);
  return 0;
}

}  // namespace longscroll
