#include "eval/merge.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/error.h"
#include "eval/manifest.h"
#include "eval/run_order.h"
#include "formats/atomic_file.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

struct ShardRun {
  fs::path path;
  Manifest manifest;
};

[[noreturn]] void refuse(const fs::path& run, const std::string& what) {
  throw Error(ErrorKind::kArgument, run.string(), what);
}

std::vector<ShardRun> open_shards(std::span<const fs::path> runs) {
  std::vector<ShardRun> shards;
  std::map<size_t, fs::path> places;
  for (const fs::path& path : runs) {
    ShardRun run{path, read_manifest(path)};
    if (run.manifest.running) {
      refuse(path, "must be complete to be merged, found a run that was cut; go on with it by --resume");
    }
    const std::string differs =
        shards.empty() ? "" : difference(shards[0].manifest.json, run.manifest.json, {"shard"});
    if (!differs.empty()) {
      refuse(path, fmt::format("must be of the same run as {}, found another {}", shards[0].path.string(),
                               differs));
    }
    if (!shards.empty() && run.manifest.shard.count != shards[0].manifest.shard.count) {
      refuse(path,
             fmt::format("must be one of {} shards, as {} is, found one of {}",
                         shards[0].manifest.shard.count, shards[0].path.string(), run.manifest.shard.count));
    }
    const auto [at, is_new] = places.emplace(run.manifest.shard.index, path);
    if (!is_new) {
      refuse(path, fmt::format("must be a shard that is not there yet, found shard {} again, as {}",
                               run.manifest.shard.index, at->second.string()));
    }
    shards.push_back(std::move(run));
  }
  if (shards.empty()) throw Error(ErrorKind::kArgument, "merge", "there must be runs to merge, found none");
  for (size_t index = 0; index < shards[0].manifest.shard.count; ++index) {
    if (!places.contains(index)) {
      refuse(shards[0].path.parent_path(), fmt::format("must have all {} shards, found none of index {}",
                                                       shards[0].manifest.shard.count, index));
    }
  }
  return shards;
}

// In the order of the whole run; each place exactly once.
std::vector<RecordLine> collect(const std::vector<ShardRun>& shards) {
  std::vector<RecordLine> lines;
  for (const ShardRun& run : shards) {
    RecordLines found = read_records(run.path / kRecordsName);
    if (found.broken_tail) refuse(run.path, "must end with a whole record, found a broken line");
    std::ranges::move(found.lines, std::back_inserter(lines));
  }
  std::ranges::sort(lines, {}, [](const RecordLine& line) { return line.record.index; });
  const uint64_t items = shards[0].manifest.items;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].record.index != i) {
      refuse(shards[0].path.parent_path(),
             fmt::format("must have each item once, found {}/{} as item {} at place {}", lines[i].record.task,
                         lines[i].record.id, lines[i].record.index, i));
    }
  }
  if (lines.size() != items) {
    refuse(shards[0].path.parent_path(),
           fmt::format("must have {} records together, found {}", items, lines.size()));
  }
  return lines;
}

}  // namespace

std::vector<RecordLine> merge_runs(std::span<const fs::path> runs, const fs::path& out) {
  if (fs::exists(out)) {
    throw Error(ErrorKind::kArgument, out.string(), "must be a new folder, found one that is there");
  }
  const std::vector<ShardRun> shards = open_shards(runs);
  std::vector<RecordLine> lines = collect(shards);
  std::error_code failure;
  fs::create_directories(out, failure);
  if (failure) throw Error(ErrorKind::kFile, out.string(), "must be made, found: " + failure.message());
  AtomicFile file(out / kRecordsName);
  for (const RecordLine& line : lines) {
    file.write(line.text);
    file.write("\n");
  }
  file.commit();
  // The manifest's keys in their own order, of the first shard's file.
  auto manifest = nlohmann::ordered_json::parse(shards[0].manifest.json.dump());
  manifest["shard"] = {{"index", 0}, {"count", 1}};
  write_manifest(out, manifest);
  return lines;
}

}  // namespace longscroll
