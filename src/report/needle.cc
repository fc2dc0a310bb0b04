#include "report/needle.h"

#include <algorithm>
#include <set>
#include <span>

#include <fmt/format.h>

#include "formats/file_faults.h"
#include "formats/record_fields.h"
#include "report/scores.h"

namespace longscroll::report {
namespace {

constexpr const char* kMean = "mean";
constexpr uint64_t kDocumentEnd = 100;
constexpr size_t kMaxAxis = 512;  // lengths or depths of a picture that anybody could read

struct Place {
  uint64_t length = 0;
  uint64_t depth = 0;
  bool operator<(const Place& other) const {
    return std::pair(length, depth) < std::pair(other.length, other.depth);
  }
};

using Grid = std::map<Place, std::vector<const EvalRecord*>>;

struct TaskGrid {
  std::string task;
  std::string language;
  Grid grid;
};

// In the order of their first items; a task's languages follow each other, as its records do.
std::vector<TaskGrid> grids_of(const Run& run) {
  const std::filesystem::path path = run.directory / "records.jsonl";
  std::vector<TaskGrid> grids;
  for (const EvalRecord& record : run.records) {
    const RecordFields fields(record.fields, path, fmt::format("item {}'s 'fields'", shown_name(record.id)));
    const std::string language = fields.text("language");
    const Place place{fields.count("length"), fields.count("depth")};
    if (place.depth > kDocumentEnd) {
      fields.fail(fmt::format("must have a depth of at most 100 percent, found {}", place.depth));
    }
    auto grid = std::find_if(grids.begin(), grids.end(), [&](const TaskGrid& g) {
      return g.task == record.task && g.language == language;
    });
    if (grid == grids.end()) grid = grids.insert(grids.end(), {record.task, language, Grid()});
    grid->grid[place].push_back(&record);
  }
  return grids;
}

void set_axes(NeedleMap& map, const std::filesystem::path& directory) {
  std::set<uint64_t> lengths;
  std::set<uint64_t> depths;
  for (const auto& [place, cell] : map.cells) {
    lengths.insert(place.first);
    depths.insert(place.second);
  }
  if (lengths.size() > kMaxAxis || depths.size() > kMaxAxis) {
    throw_bad_file(directory / "records.jsonl",
                   fmt::format("a needle grid must have at most {} lengths and depths, found {} and {}",
                               kMaxAxis, lengths.size(), depths.size()));
  }
  map.lengths.assign(lengths.begin(), lengths.end());
  map.depths.assign(depths.begin(), depths.end());
}

NeedleMap mean_map(std::span<const NeedleMap> maps) {
  NeedleMap mean;
  mean.task = maps.front().task;
  mean.is_part = maps.front().is_part;
  mean.language = kMean;
  std::set<uint64_t> lengths;
  std::set<uint64_t> depths;
  for (const NeedleMap& map : maps) {
    lengths.insert(map.lengths.begin(), map.lengths.end());
    depths.insert(map.depths.begin(), map.depths.end());
  }
  mean.lengths.assign(lengths.begin(), lengths.end());
  mean.depths.assign(depths.begin(), depths.end());
  for (const uint64_t length : mean.lengths) {
    for (const uint64_t depth : mean.depths) {
      NeedleCell sum;
      const bool in_all = std::all_of(maps.begin(), maps.end(), [&](const NeedleMap& map) {
        const NeedleCell* cell = map.cell(length, depth);
        if (cell == nullptr) return false;
        sum.score += cell->score;
        sum.items += cell->items;
        return true;
      });
      if (in_all) mean.cells[{length, depth}] = {sum.score / static_cast<double>(maps.size()), sum.items};
    }
  }
  return mean;
}

}  // namespace

bool NeedleMap::is_mean() const {
  return language == kMean;
}

const NeedleCell* NeedleMap::cell(uint64_t length, uint64_t depth) const {
  const auto found = cells.find({length, depth});
  return found == cells.end() ? nullptr : &found->second;
}

std::optional<double> NeedleMap::mean_over_depths(uint64_t length) const {
  double sum = 0;
  for (const uint64_t depth : depths) {
    const NeedleCell* found = cell(length, depth);
    if (found == nullptr) return std::nullopt;
    sum += found->score;
  }
  return sum / static_cast<double>(depths.size());
}

std::optional<double> NeedleMap::overall() const {
  if (is_part || lengths.empty()) return std::nullopt;
  double sum = 0;
  for (const uint64_t length : lengths) {
    const std::optional<double> mean = mean_over_depths(length);
    if (!mean) return std::nullopt;
    sum += *mean;
  }
  return sum / static_cast<double>(lengths.size());
}

size_t NeedleMap::items() const {
  size_t sum = 0;
  for (const auto& [place, cell] : cells) sum += cell.items;
  return sum;
}

size_t NeedleMap::most_items() const {
  size_t most = 0;
  for (const auto& [place, cell] : cells) most = std::max(most, cell.items);
  return most;
}

std::vector<NeedleMap> needle_maps(const Run& run) {
  std::vector<NeedleMap> maps;
  size_t first = 0;  // of the task at hand
  const auto close_task = [&] {
    if (maps.size() - first > 1) maps.push_back(mean_map(std::span(maps).subspan(first)));
    first = maps.size();
  };
  for (const TaskGrid& grid : grids_of(run)) {
    if (first < maps.size() && maps.back().task != grid.task) close_task();
    NeedleMap map;
    map.task = grid.task;
    map.language = grid.language;
    map.is_part = run.partial();
    for (const auto& [place, records] : grid.grid) {
      map.cells[{place.length, place.depth}] = {aggregate(run, records), records.size()};
    }
    set_axes(map, run.directory);
    maps.push_back(std::move(map));
  }
  close_task();
  return maps;
}

bool is_needle_run(const Run& run) {
  if (run.manifest.suite == "needle") return !run.records.empty();
  const auto has_place = [](const EvalRecord& record) {
    const auto has_number = [&](const char* key) {
      const auto value = record.fields.find(key);
      return value != record.fields.end() && value->is_number_unsigned();
    };
    const auto language = record.fields.find("language");
    return record.score && record.metric != kPerplexity && has_number("length") && has_number("depth") &&
           language != record.fields.end() && language->is_string();
  };
  return !run.records.empty() && std::all_of(run.records.begin(), run.records.end(), has_place);
}

std::string language_name(const std::string& language) {
  if (language == "en") return "English";
  if (language == "zh") return "Chinese";
  if (language == kMean) return "Mean of the languages";
  return language;
}

}  // namespace longscroll::report
