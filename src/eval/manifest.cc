#include "eval/manifest.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "eval/records.h"
#include "formats/atomic_file.h"
#include "formats/file_faults.h"
#include "formats/record_fields.h"
#include "formats/strict_json.h"
#include "library/file_bytes.h"

namespace longscroll {
namespace {

constexpr int kManifestDepth = 16;
constexpr const char* kKeys[] = {
    "format",  "program", "suite",     "protocol", "tasks",       "limit",    "seed",
    "lengths", "depths",  "languages", "repeats",  "max_seq_len", "truncate", "length_tokenizer",
    "shard",   "label",   "model",     "data",     "machine",     "items",    "state"};

std::string shown(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return text.size() <= 120 ? text : text.substr(0, 117) + "…";
}

// Where two values differ, as deep as names go: "model.sha256".
std::string first_difference(const std::string& name, const nlohmann::json& a, const nlohmann::json& b) {
  if (a == b) return "";
  if (!a.is_object() || !b.is_object()) return fmt::format("{}: {} and {}", name, shown(a), shown(b));
  for (const auto& [key, value] : a.items()) {
    const std::string found =
        first_difference(name + "." + key, value, b.contains(key) ? b[key] : nlohmann::json());
    if (!found.empty()) return found;
  }
  return fmt::format("{}: {} and {}", name, shown(a), shown(b));
}

Protocol parse_protocol(const RecordFields& fields) {
  const std::string name = fields.text("protocol");
  try {
    return protocol_from_name(name);
  } catch (const Error&) {
    fields.fail(fmt::format("must name a known protocol, found {}", shown_name(name)));
  }
}

std::vector<ManifestData> parse_data(const RecordFields& fields, const std::filesystem::path& path) {
  const nlohmann::json& list = fields.at("data");
  if (!list.is_array()) fields.fail(fmt::format("must have a list as 'data', found {}", list.type_name()));
  std::vector<ManifestData> data;
  for (const nlohmann::json& entry : list) {
    const RecordFields of_file(entry, path, "manifest's 'data'");
    data.push_back({of_file.text("file"), of_file.count("items")});
  }
  return data;
}

}  // namespace

void write_manifest(const std::filesystem::path& run, const nlohmann::ordered_json& manifest) {
  write_file(run / kManifestName,
             manifest.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

Manifest read_manifest(const std::filesystem::path& run) {
  const std::filesystem::path path = run / kManifestName;
  Manifest manifest;
  manifest.json = parse_strict_json(read_file_bytes(path).bytes, path, "manifest", kManifestDepth);
  const RecordFields fields(manifest.json, path, "manifest");
  if (const uint64_t format = fields.count("format"); format != kManifestFormat) {
    throw_unsupported_file(
        path, fmt::format("the manifest must be of format {}, found {}", kManifestFormat, format),
        "a newer longscroll wrote it");
  }
  for (const char* key : kKeys) fields.at(key);
  manifest.suite = fields.object("suite").text("name");
  manifest.protocol = parse_protocol(fields);
  manifest.label = fields.text("label");
  manifest.tasks = fields.texts("tasks");
  if (fields.has_value("limit") && fields.count("limit") > 0) manifest.limit = fields.count("limit");
  const RecordFields shard = fields.object("shard");
  manifest.shard = {shard.count("index"), shard.count("count")};
  if (manifest.shard.index >= manifest.shard.count) {
    fields.fail(fmt::format("must have a shard index below its count, found {} of {}", manifest.shard.index,
                            manifest.shard.count));
  }
  manifest.data = parse_data(fields, path);
  manifest.items = fields.count("items");
  const std::string state = fields.text("state");
  if (state != "running" && state != "complete")
    fields.fail(fmt::format("must have the state running or complete, found {}", shown_name(state)));
  manifest.running = state == "running";
  return manifest;
}

std::string difference(const nlohmann::json& a, const nlohmann::json& b,
                       const std::vector<std::string>& also_ignored) {
  for (const std::string key : kKeys) {
    if (key == "machine" || key == "state" || std::ranges::find(also_ignored, key) != also_ignored.end())
      continue;
    const std::string found = first_difference(key, a.at(key), b.at(key));
    if (!found.empty()) return found;
  }
  return "";
}

}  // namespace longscroll
