#include "corpus/shard_map.h"

#include <utility>
#include <vector>

#include "corpus/document_reader.h"
#include "corpus/document_writer.h"

namespace longscroll::corpus {

StepReport map_shard(const std::filesystem::path& input, const std::filesystem::path& output,
                     const Rule& rule, const std::atomic<bool>* cancel) {
  StepReport report;
  DocumentReader reader(input, report.faults);
  DocumentWriter writer(output);
  TextDocument document;
  for (uint64_t number = 0; reader.next(document); ++number) {
    check_cancelled(cancel, input.string());
    report.in[document.source].add(document.text.size());
    Verdict verdict = rule(document, number, report);
    if (verdict.reason.empty() && document.text.empty()) verdict = {"empty", "nothing of its text was left"};
    if (verdict.reason.empty()) {
      report.out[document.source].add(document.text.size());
      writer.add(document);
    } else {
      report.drop(document, verdict.reason, std::move(verdict.detail));
    }
  }
  writer.commit();
  report.shards.push_back({output.filename().string(), writer.documents(), writer.text_bytes()});
  return report;
}

Json run_map_step(const StepRequest& request, const std::string& step, const Json& settings,
                  const std::function<Rule(size_t shard)>& make_rule, const Json& extra,
                  const data::ReadEvents& events) {
  const std::vector<InputFile> files = find_documents(request.inputs);
  const StepFolder folder(request, step, settings, files);
  if (folder.is_done()) return folder.manifest();
  const auto map = [&](size_t task) {
    return map_shard(files[task].path, folder.shard(task), make_rule(task), events.cancel).to_json();
  };
  const StepReport report = merged(folder.run("map", sizes_of(files), map, events));
  return folder.finish(report, extra, events);
}

}  // namespace longscroll::corpus
