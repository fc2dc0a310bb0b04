// eval merge: the shards of one run, put together.
#include <fmt/format.h>

#include "apps/eval_commands.h"
#include "apps/eval_table.h"
#include "eval/manifest.h"
#include "eval/merge.h"

namespace longscroll {
namespace {

struct MergeOptions {
  std::vector<std::string> runs;
  std::string out;
  bool json = false;
};

int merge(const MergeOptions& options) {
  const std::vector<std::filesystem::path> runs(options.runs.begin(), options.runs.end());
  const std::vector<RecordLine> records = merge_runs(runs, options.out);
  const Manifest manifest = read_manifest(options.out);
  const std::string protocol = to_string(manifest.protocol);
  const std::vector<TaskScore> tasks = score_tasks(records, manifest.protocol);
  if (options.json) {
    Json json = {{"run", options.out}, {"runs", options.runs}, {"items", records.size()}};
    json.update(describe_scores(tasks, manifest.suite, protocol));
    write_json(json);
  } else {
    write_out(score_table(tasks, manifest.suite, protocol));
  }
  fmt::print(stderr, "{} records of {} runs in {}\n", records.size(), runs.size(), options.out);
  return 0;
}

}  // namespace

void add_eval_merge(CLI::App& eval, Action& action) {
  auto options = std::make_shared<MergeOptions>();
  CLI::App* command = eval.add_subcommand("merge", "Put the shards of one run together");
  command->add_option("RUN", options->runs, "The shards' folders")->required();
  command->add_option("--out", options->out, "Folder for the whole run, which must be new")->required();
  command->add_flag("--json", options->json, "One JSON object on standard output");
  command->footer("Example:\n  longscroll eval merge runs/lb/shard-* --out runs/lb/whole");
  command->callback([&action, options] { action = [options] { return merge(*options); }; });
}

}  // namespace longscroll
