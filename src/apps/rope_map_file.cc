#include "apps/rope_map_file.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/hasher.h"
#include "formats/record_fields.h"
#include "formats/strict_json.h"
#include "library/file_bytes.h"
#include "model/extended_model.h"
#include "model/rope_description.h"

namespace longscroll {
namespace {

constexpr int kMapFileDepth = 8;
// What a run must share with the one that it goes on with: not its name or its threads.
constexpr const char* kSame[] = {"sha256", "kernels", "compute", "kv",
                                 "texts",  "stride",  "methods", "lengths"};

std::string hash_of(const std::vector<TokenId>& ids) {
  Hasher hasher = Hasher::sha256();
  hasher.update(std::as_bytes(std::span(ids)));
  return hasher.hex();
}

report::LossCount loss_of(const RecordFields& fields) {
  const uint64_t counted = fields.count("counted");
  return {fields.number("nll") * static_cast<double>(counted), counted};
}

report::RopeMapCell cell_of(const RecordFields& fields, const std::filesystem::path& path) {
  report::RopeMapCell cell{loss_of(fields), {}, fields.number("seconds")};
  const nlohmann::json& positions = fields.at("positions");
  if (!positions.is_array()) fields.fail("must have a list as 'positions'");
  for (const nlohmann::json& position : positions) {
    const RecordFields of_bucket(position, path, "map's 'positions'");
    cell.by_position[of_bucket.count("up_to")] = loss_of(of_bucket);
  }
  return cell;
}

nlohmann::json read_map_file(const std::filesystem::path& path) {
  return parse_strict_json(read_file_bytes(path).bytes, path, "map", kMapFileDepth);
}

void add_cells(const RecordFields& fields, const std::filesystem::path& path, report::RopeMap& map) {
  const nlohmann::json& cells = fields.at("cells");
  if (!cells.is_array()) fields.fail("must have a list as 'cells'");
  for (const nlohmann::json& cell : cells) {
    const RecordFields of_cell(cell, path, "map's 'cells'");
    if (of_cell.count("counted") > 0)
      map.cells[{of_cell.text("method"), of_cell.count("length")}] = cell_of(of_cell, path);
  }
}

}  // namespace

Json describe_map(const MapPlan& plan, const ModelOptions& options, const std::string& sha256) {
  Json json = describe_run(options, *plan.model);
  json["sha256"] = sha256.empty() ? Json(nullptr) : Json(sha256);
  json["texts"] = Json::array();
  for (const MapText& text : plan.texts)
    json["texts"].push_back(
        {{"file", text.file}, {"tokens", text.ids.size()}, {"ids_sha256", hash_of(text.ids)}});
  json["stride"] = plan.stride > 0 ? Json(plan.stride) : Json(nullptr);
  json["lengths"] = plan.lengths;
  json["methods"] = Json::array();
  for (const MapMethod& method : plan.methods) {
    const RopeConfig rope = extend_model(plan.model, method.extension)->config.rope;
    json["methods"].push_back({{"name", method.name}, {"rope", describe_rope(rope)}});
  }
  return json;
}

Json describe_cells(const report::RopeMap& map) {
  Json cells = Json::array();
  for (const std::string& method : map.methods) {
    for (const uint64_t length : map.lengths) {
      const report::RopeMapCell* cell = map.cell(method, length);
      if (cell == nullptr) continue;
      Json positions = Json::array();
      for (const auto& [bucket, loss] : cell->by_position)
        positions.push_back({{"up_to", bucket}, {"counted", loss.tokens}, {"nll", loss.mean()}});
      cells.push_back({{"method", method},
                       {"length", length},
                       {"counted", cell->counted.tokens},
                       {"nll", cell->counted.mean()},
                       {"perplexity", cell->counted.perplexity()},
                       {"seconds", cell->seconds},
                       {"positions", std::move(positions)}});
    }
  }
  return cells;
}

void take_cells(const std::filesystem::path& path, const Json& described, report::RopeMap& map) {
  const nlohmann::json file = read_map_file(path);
  const nlohmann::json wanted = described;
  const RecordFields fields(file, path, "map");
  for (const char* key : kSame) {
    if (fields.at(key) == wanted.at(key)) continue;
    throw Error(ErrorKind::kArgument, path.string(),
                fmt::format("must be of the same '{}' to go on with, found another", key),
                "take another --out, or the options it was begun with");
  }
  add_cells(fields, path, map);
}

report::RopeMap read_map(const std::filesystem::path& path) {
  const nlohmann::json file = read_map_file(path);
  const RecordFields fields(file, path, "map");
  report::RopeMap map;
  map.lengths = fields.counts("lengths");
  for (const nlohmann::json& method : fields.list("methods"))
    map.methods.push_back(RecordFields(method, path, "map's 'methods'").text("name"));
  add_cells(fields, path, map);
  return map;
}

}  // namespace longscroll
