#include "eval/manifest.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "eval/records.h"
#include "formats/atomic_file.h"
#include "formats/strict_json.h"
#include "library/file_bytes.h"

namespace longscroll {
namespace {

constexpr int kMaxDepth = 8;
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

}  // namespace

void write_manifest(const std::filesystem::path& run, const nlohmann::ordered_json& manifest) {
  AtomicFile file(run / kManifestName);
  file.write(manifest.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  file.commit();
}

nlohmann::json read_manifest(const std::filesystem::path& run) {
  const std::filesystem::path path = run / kManifestName;
  nlohmann::json manifest = parse_strict_json(read_file_bytes(path).bytes, path, "manifest", kMaxDepth);
  const auto fault = [&](const std::string& what) {
    throw Error(ErrorKind::kFile, path.string(), what,
                "docs/formats/eval-records.md has what a manifest holds");
  };
  if (!manifest.is_object()) fault("must be an object, found " + std::string(manifest.type_name()));
  for (const char* key : kKeys) {
    if (!manifest.contains(key)) fault(fmt::format("must have {}, found none", key));
  }
  if (manifest["format"] != kManifestFormat) {
    fault(fmt::format("must be of format {}, found {}", kManifestFormat, shown(manifest["format"])));
  }
  const nlohmann::json& shard = manifest["shard"];
  if (!shard.is_object() || !shard.contains("index") || !shard["index"].is_number_unsigned() ||
      !shard.contains("count") || !shard["count"].is_number_unsigned() ||
      !manifest["items"].is_number_unsigned()) {
    fault("must have items and the shard's index and count as whole numbers, found others");
  }
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
