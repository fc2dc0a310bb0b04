#include "report/run.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "formats/file_faults.h"
#include "report/text.h"

namespace longscroll::report {
namespace {

void take_records(const std::filesystem::path& path, Run& run) {
  RecordLines found = read_records(path);
  const size_t next_line = found.lines.size() + 1;
  if (found.broken_tail && !run.manifest.running) {
    throw_bad_file(path, fmt::format("line {} must end with a line end in a run that is complete, found none",
                                     next_line));
  }
  // A killed run leaves at most one broken last line, which counts for nothing.
  if (found.broken_tail) {
    run.remarks.push_back(
        fmt::format("The last line of records.jsonl, line {}, is not whole and not counted.", next_line));
  }
  if (found.lines.size() > run.manifest.items) {
    throw_bad_file(path, fmt::format("must have at most the {} records that manifest.json names, found {}",
                                     run.manifest.items, found.lines.size()));
  }
  run.records.reserve(found.lines.size());
  for (RecordLine& line : found.lines) run.records.push_back(std::move(line.record));
}

void order_records(Run& run) {
  std::map<std::string, size_t> rank;
  for (const std::string& task : run.manifest.tasks) rank.emplace(task, rank.size());
  for (const EvalRecord& record : run.records) rank.emplace(record.task, rank.size());
  std::stable_sort(run.records.begin(), run.records.end(), [&](const EvalRecord& a, const EvalRecord& b) {
    if (a.task != b.task) return rank.at(a.task) < rank.at(b.task);
    return natural_less(a.id, b.id);
  });
}

void add_remarks(Run& run) {
  const Manifest& manifest = run.manifest;
  const std::string found = thousands(run.records.size());
  const std::string items = thousands(manifest.items);
  if (manifest.shard.count > 1) {
    run.remarks.push_back(
        fmt::format("Shard {} of {}: {} of {} items. `longscroll eval merge` joins the shards.",
                    manifest.shard.index + 1, manifest.shard.count, found, items));
  }
  if (manifest.running) {
    run.remarks.push_back(fmt::format("This run has not ended: {} of {} items are there.", found, items));
  } else if (manifest.shard.count == 1 && run.records.size() < manifest.items) {
    run.remarks.push_back(
        fmt::format("The manifest calls the run complete with {} items; {} are there.", items, found));
  }
  if (manifest.limit) {
    run.remarks.push_back(
        fmt::format("At most {} items of each task were asked.", thousands(*manifest.limit)));
  }
}

std::string_view digits_at(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
  return text.substr(begin, end - begin);
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    std::string_view x = digits_at(a, i);
    std::string_view y = digits_at(b, j);
    if (x.empty() || y.empty()) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i;
      ++j;
      continue;
    }
    i += x.size();
    j += y.size();
    x.remove_prefix(std::min(x.find_first_not_of('0'), x.size()));
    y.remove_prefix(std::min(y.find_first_not_of('0'), y.size()));
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  if ((i < a.size()) != (j < b.size())) return j < b.size();
  return a < b;  // equal but for leading zeros
}

std::string truncation_mode(const EvalRecord& record) {
  return record.truncation.is_null() ? "" : record.truncation.at("mode").get<std::string>();
}

bool Run::partial() const {
  return manifest.running || manifest.limit || manifest.shard.count > 1 || records.size() < manifest.items;
}

Run read_run(const std::filesystem::path& directory) {
  Run run;
  run.directory = directory;
  run.manifest = read_manifest(directory);
  take_records(directory / kRecordsName, run);
  order_records(run);
  add_remarks(run);
  return run;
}

}  // namespace longscroll::report
