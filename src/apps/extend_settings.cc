#include "apps/extend_settings.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/hasher.h"
#include "formats/atomic_file.h"
#include "formats/record_fields.h"
#include "formats/strict_json.h"
#include "library/file_bytes.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSettingsFile = "extend.json";
constexpr int kSettingsDepth = 4;
constexpr uint64_t kBatchTokens = 65'536;

Json recipe_hash(const std::string& file) {
  return file.empty() ? Json(nullptr) : Json(sha256_hex(read_file_bytes(file).bytes));
}

std::string shown(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

uint64_t default_batch_tokens(uint64_t window) {
  return std::max<uint64_t>(1, kBatchTokens / window) * window;
}

Json describe_settings(const ExtendSettings& settings) {
  return {{"model", settings.model},
          {"window", settings.window},
          {"base", settings.base},
          {"corpus", settings.corpus},
          {"text-field", settings.text_field},
          {"held-out", settings.held_out},
          {"texts", settings.texts},
          {"tokens", settings.tokens},
          {"batch-tokens", settings.batch_tokens},
          {"learning-rate", settings.learning_rate},
          {"sft", settings.sft},
          {"sft-epochs", settings.sft_epochs},
          {"sft-learning-rate", settings.sft_learning_rate},
          {"pt-recipe", recipe_hash(settings.pt_recipe)},
          {"sft-recipe", recipe_hash(settings.sft_recipe)},
          {"needle-repeats", settings.needle_repeats},
          {"suite", settings.suite},
          {"suite-data", settings.suite_data}};
}

void keep_settings(const fs::path& out, const Json& described) {
  const fs::path path = out / kSettingsFile;
  if (!fs::exists(path)) {
    const Json file = {{"format", 1}, {"settings", described}};
    write_file(path, file.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
    return;
  }
  const nlohmann::json file =
      parse_strict_json(read_file_bytes(path).bytes, path, "settings", kSettingsDepth);
  const RecordFields begun = RecordFields(file, path, "file").object("settings");
  const nlohmann::json wanted = described;
  for (const auto& [name, value] : described.items()) {
    const nlohmann::json& found = begun.at(name.c_str());
    if (found == wanted.at(name)) continue;
    throw Error(ErrorKind::kArgument, name == "model" ? "MODEL" : "--" + name,
                fmt::format("must be {}, as {} was begun with, found {}", shown(found), out.string(),
                            shown(wanted.at(name))),
                "another --out begins anew");
  }
}

}  // namespace longscroll
