#include "hub/paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.h"
#include "base/utf8.h"
#include "hub/catalogue.h"
#include "hub/sha256.h"

namespace longscroll {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kHfPrefix = "hf:";
constexpr std::string_view kPulledList = ".pulled.json";
constexpr size_t kMaxNamePart = 200;  // leaves room under the usual 255 for ".part.etag"
constexpr size_t kMaxName = 1024;

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

// Owners, repositories and revisions: what the hub allows, so that none can leave its folder.
bool is_hub_word(std::string_view word) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !word.empty() && word.size() <= kMaxNamePart && word.front() != '.' && word.front() != '-' &&
         word.find("..") == std::string_view::npos && std::ranges::all_of(word, allowed);
}

bool is_safe_part(std::string_view part) {
  const auto forbidden = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\' || c == ':';
  };
  return !part.empty() && part.size() <= kMaxNamePart && part.front() != '.' &&
         std::ranges::none_of(part, forbidden);
}

bool has_size(const fs::path& path, uint64_t size) {
  std::error_code error;
  return fs::is_regular_file(path, error) && fs::file_size(path, error) == size && !error;
}

}  // namespace

fs::path models_directory() {
  if (const char* own = environment("LONGSCROLL_MODELS")) return own;
  if (const char* cache = environment("XDG_CACHE_HOME")) return fs::path(cache) / "longscroll";
  if (const char* home = environment("HOME")) return fs::path(home) / ".cache" / "longscroll";
  throw Error(ErrorKind::kArgument, "models folder", "must be known, and HOME is not set",
              "set LONGSCROLL_MODELS to a folder for the models");
}

bool is_hf_spec(std::string_view text) {
  return text.starts_with(kHfPrefix);
}

HfSpec parse_hf_spec(std::string_view text) {
  const auto refuse = [&](std::string_view found) {
    return Error(ErrorKind::kArgument, replace_invalid_utf8(text),
                 fmt::format("must be hf:OWNER/REPO[@REVISION][:FILE], and {}", found),
                 "for example hf:IndexTeam/Index-1.9B-32K");
  };
  if (!is_hf_spec(text)) throw refuse("does not begin with hf:");
  std::string_view rest = text.substr(kHfPrefix.size());
  HfSpec spec;
  if (const size_t colon = rest.find(':'); colon != std::string_view::npos) {
    spec.file = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!is_safe_file_name(spec.file)) throw refuse("the file's name is empty or not a plain relative path");
  }
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    spec.revision = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!is_hub_word(spec.revision)) throw refuse("the revision is not letters, digits, '-', '_' and '.'");
  }
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) throw refuse("there is no '/'");
  spec.owner = rest.substr(0, slash);
  spec.repo = rest.substr(slash + 1);
  if (!is_hub_word(spec.owner)) throw refuse("the owner is not letters, digits, '-', '_' and '.'");
  if (!is_hub_word(spec.repo)) throw refuse("the repository is not letters, digits, '-', '_' and '.'");
  return spec;
}

std::string to_string(const HfSpec& spec) {
  return fmt::format("hf:{}/{}{}{}", spec.owner, spec.repo,
                     spec.revision == "main" ? "" : "@" + spec.revision,
                     spec.file.empty() ? "" : ":" + spec.file);
}

fs::path hf_directory(const HfSpec& spec) {
  const std::string folder = spec.revision == "main" ? spec.repo : spec.repo + "@" + spec.revision;
  return models_directory() / "hf" / spec.owner / folder;
}

bool is_safe_file_name(std::string_view name) {
  if (name.size() > kMaxName || !is_valid_utf8(name)) return false;
  while (true) {
    const size_t slash = name.find('/');
    if (!is_safe_part(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

void write_pulled_list(const fs::path& directory, std::string_view commit,
                       const std::vector<PulledFile>& files) {
  nlohmann::json list = {{"commit", commit}, {"files", nlohmann::json::array()}};
  for (const PulledFile& file : files) list["files"].push_back({{"name", file.name}, {"size", file.size}});
  const fs::path path = directory / kPulledList;
  std::ofstream out(path, std::ios::trunc);
  out << list.dump(1) << '\n';
  if (!out.flush()) throw Error(ErrorKind::kResource, path.string(), "must be writable, and writing failed");
}

std::optional<fs::path> find_pulled(const HfSpec& spec) {
  const fs::path directory = hf_directory(spec);
  std::error_code error;
  if (!spec.file.empty()) {
    const fs::path file = directory / spec.file;
    return fs::is_regular_file(file, error) ? std::optional(file) : std::nullopt;
  }
  std::ifstream in(directory / kPulledList);
  const auto list = nlohmann::json::parse(in, nullptr, false);
  if (!list.is_object() || !list.contains("files") || !list["files"].is_array()) return std::nullopt;
  std::string last;
  for (const auto& file : list["files"]) {
    if (!file.is_object() || !file.value("name", nlohmann::json()).is_string()) return std::nullopt;
    if (!file.value("size", nlohmann::json()).is_number_unsigned()) return std::nullopt;
    last = file["name"].get<std::string>();
    if (!is_safe_file_name(last) || !has_size(directory / last, file["size"].get<uint64_t>())) {
      return std::nullopt;
    }
  }
  if (last.empty()) return std::nullopt;
  return list["files"].size() == 1 && last.ends_with(".gguf") ? directory / last : directory;
}

fs::path resolve_model(std::string_view name_or_path) {
  const std::string shown = replace_invalid_utf8(name_or_path);
  if (is_hf_spec(name_or_path)) {
    const HfSpec spec = parse_hf_spec(name_or_path);
    if (auto pulled = find_pulled(spec)) return *pulled;
    throw Error(ErrorKind::kFile, to_string(spec),
                "must be on this machine, and was not pulled, or not wholly",
                "longscroll pull " + to_string(spec));
  }
  std::error_code error;
  if (const CatalogueEntry* entry = find_model(name_or_path)) {
    fs::path path = models_directory() / entry->file_name;
    if (is_verified_file(path, entry->size, entry->sha256)) return path;
    if (fs::exists(fs::path(name_or_path), error)) return name_or_path;
    throw Error(ErrorKind::kFile, entry->name,
                fs::exists(path, error)
                    ? fmt::format("{} must have the catalogue's size and hash, and has not", path.string())
                    : "must be on this machine, and was not pulled",
                "longscroll pull " + entry->name);
  }
  if (!name_or_path.empty() && fs::exists(fs::path(name_or_path), error)) return name_or_path;
  throw Error(
      ErrorKind::kFile, shown, "must be a model's file or folder, and is not there",
      fmt::format("longscroll pull NAME, where NAME is one of: {}; or hf:OWNER/REPO", catalogue_names()));
}

}  // namespace longscroll
