#include "corpus/funnel.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "base/thread_pool.h"
#include "corpus/document_reader.h"

namespace longscroll::corpus {
namespace {

namespace fs = std::filesystem;

// The folder of a step's first input; empty when that is no step.
fs::path step_before(const Json& manifest) {
  const Json inputs = field_or_null(manifest, "inputs");
  if (!inputs.is_array() || inputs.empty() || !inputs.front().is_array() || inputs.front().empty()) return {};
  if (!inputs.front().front().is_string()) return {};
  const fs::path folder = fs::path(inputs.front().front().get<std::string>()).parent_path();
  std::error_code ignored;
  return fs::exists(folder / kManifestFile, ignored) ? folder : fs::path();
}

}  // namespace

std::vector<FunnelStep> chain_of(const fs::path& last) {
  std::vector<FunnelStep> chain;
  std::set<fs::path> seen;  // a manifest may say what it likes
  fs::path folder = last;
  while (!folder.empty() && seen.insert(folder.lexically_normal()).second) {
    chain.push_back({folder, read_manifest(folder)});
    folder = step_before(chain.back().manifest);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

CorpusLengths measure_lengths(const std::vector<InputFile>& shards, const CountTokens& count_tokens,
                              int threads, const data::ReadEvents& events) {
  uint64_t total = 0;
  for (const InputFile& shard : shards) total += shard.size;
  std::mutex mutex;
  uint64_t done = 0;
  std::map<std::string, data::LengthCounts> counts;
  std::vector<FaultList> faults(shards.size());
  ThreadPool pool(threads);
  pool.run(shards.size(), [&](size_t shard, int /*thread*/) {
    std::map<std::string, data::LengthCounts> of_shard;
    DocumentReader reader(shards[shard].path, faults[shard]);
    TextDocument document;
    while (reader.next(document)) {
      check_cancelled(events.cancel, shards[shard].path.string());
      ++of_shard[document.source][count_tokens(document.text)];
    }
    const std::lock_guard lock(mutex);
    for (const auto& [source, lengths] : of_shard) {
      for (const auto& [length, count] : lengths) counts[source][length] += count;
    }
    done += shards[shard].size;
    if (events.progress) events.progress(done, total);
  });
  CorpusLengths result;
  data::LengthCounts all;
  for (const auto& [source, lengths] : counts) {
    result.by_source[source] = data::length_stats_of(lengths);
    for (const auto& [length, count] : lengths) all[length] += count;
  }
  result.all = data::length_stats_of(all);
  for (const FaultList& of_shard : faults) result.faults.merge(of_shard);
  return result;
}

}  // namespace longscroll::corpus
