#include "hub/hf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/checked_math.h"
#include "base/error.h"
#include "hub/fetch.h"

namespace longscroll {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxListingBytes = size_t{32} << 20;
constexpr size_t kMaxChoicesShown = 20;
constexpr size_t kSha1Digits = 40;
constexpr size_t kSha256Digits = 64;

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string string_or_empty(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

RepoFile parse_repo_file(const Json& sibling, const std::string& where) {
  const auto refuse = [&where](const char* what) { return Error(ErrorKind::kNetwork, where, what); };
  if (!sibling.is_object()) throw refuse("must list files as objects, and does not");
  RepoFile file;
  file.name = string_or_empty(sibling, "rfilename");
  if (file.name.empty()) throw refuse("must name each file, and leaves one without a name");
  const auto size = sibling.find("size");
  if (size == sibling.end() || !size->is_number_unsigned()) {
    throw refuse("must give each file's size, and leaves one out");
  }
  file.size = size->get<uint64_t>();
  const auto lfs = sibling.find("lfs");
  if (lfs != sibling.end() && lfs->is_object()) {
    file.sha256 = string_or_empty(*lfs, "sha256");
    if (!is_hex(file.sha256, kSha256Digits))
      throw refuse("must give the SHA-256 of each large file, and does not");
  } else {
    file.blob_id = string_or_empty(sibling, "blobId");
    if (!is_hex(file.blob_id, kSha1Digits))
      throw refuse("must give the git hash of each small file, and does not");
  }
  return file;
}

bool is_top_level(const RepoFile& file) {
  return file.name.find('/') == std::string::npos;
}

// Configuration, tokenizer and template: small, and read by one loader or another.
bool is_small_part(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames = {"config.json",       "generation_config.json",
                                                      "vocab.json",        "merges.txt",
                                                      "added_tokens.json", "special_tokens_map.json"};
  return std::ranges::find(kNames, name) != kNames.end() || name.starts_with("tokenizer") ||
         name.ends_with(".model") || name.starts_with("chat_template");
}

bool is_index_of(std::string_view name, std::string_view ending) {
  return name.ends_with(fmt::format("{}.index.json", ending));
}

// Weights by ending. Repositories often hold the same weights twice, or a trainer's leftovers: files whose
// names begin as the format's standard name win over others.
std::vector<RepoFile> weights_of(const RepoListing& listing, std::string_view ending,
                                 std::string_view standard) {
  std::vector<RepoFile> all, standards;
  for (const RepoFile& file : listing.files) {
    if (!is_top_level(file)) continue;
    if (!file.name.ends_with(ending) && !is_index_of(file.name, ending)) continue;
    all.push_back(file);
    if (file.name.starts_with(standard)) standards.push_back(file);
  }
  std::vector<RepoFile>& chosen = standards.empty() ? all : standards;
  const bool only_index =
      std::ranges::none_of(chosen, [ending](const RepoFile& file) { return file.name.ends_with(ending); });
  return only_index ? std::vector<RepoFile>{} : chosen;
}

std::vector<RepoFile> choose_gguf(const RepoListing& listing, const HfSpec& spec) {
  std::vector<RepoFile> found;
  std::string names;
  for (const RepoFile& file : listing.files) {
    if (!file.name.ends_with(".gguf")) continue;
    found.push_back(file);
    if (found.size() <= kMaxChoicesShown && is_safe_file_name(file.name)) names += "\n    " + file.name;
  }
  if (found.empty()) {
    throw Error(ErrorKind::kFile, to_string(spec),
                "must hold .safetensors, .bin or .gguf weights, and holds none");
  }
  if (found.size() > 1) {
    throw Error(ErrorKind::kFile, to_string(spec),
                fmt::format("must say which file, and the repository has {} .gguf files:{}{}", found.size(),
                            names, found.size() > kMaxChoicesShown ? "\n    …" : ""),
                fmt::format("longscroll pull {}:FILE", to_string(spec)));
  }
  return found;
}

std::vector<RepoFile> choose_model(const RepoListing& listing, const HfSpec& spec) {
  std::vector<RepoFile> weights = weights_of(listing, ".safetensors", "model");
  if (weights.empty()) weights = weights_of(listing, ".bin", "pytorch_model");
  if (weights.empty()) return choose_gguf(listing, spec);
  std::vector<RepoFile> chosen;
  for (const RepoFile& file : listing.files) {
    if (is_top_level(file) && is_small_part(file.name)) chosen.push_back(file);
  }
  chosen.insert(chosen.end(), weights.begin(), weights.end());
  return chosen;
}

ExpectedFile expected_file(const RepoFile& file) {
  ExpectedFile expected;
  expected.name = file.name;
  expected.size = file.size;
  expected.hash_kind = file.sha256.empty() ? ExpectedFile::Hash::kGitBlob : ExpectedFile::Hash::kSha256;
  expected.hash = file.sha256.empty() ? file.blob_id : file.sha256;
  return expected;
}

RepoListing fetch_listing(const HfSpec& spec, const HubConfig& config, const PullEvents& events) {
  const HttpRequest request = {.url = fmt::format("{}/api/models/{}/{}/revision/{}?blobs=true",
                                                  config.endpoint, spec.owner, spec.repo, spec.revision),
                               .token = config.token,
                               .policy = config.policy};
  return parse_repo_listing(http_get(request, kMaxListingBytes, events), request.url);
}

void fetch_file(const RepoFile& file, const RepoListing& listing, const HfSpec& spec, const HubConfig& config,
                const PullEvents& events) {
  const HttpRequest request = {.url = fmt::format("{}/{}/{}/resolve/{}/{}", config.endpoint, spec.owner,
                                                  spec.repo, listing.commit, percent_encode_path(file.name)),
                               .token = config.token,
                               .policy = config.policy};
  const ExpectedFile expected = expected_file(file);
  PartFile part(hf_directory(spec) / file.name);
  fetch_expected(request, part, expected, events);
  part.commit();
}

}  // namespace

RepoListing parse_repo_listing(std::string_view json, const std::string& where) {
  const auto refuse = [&where](const char* what) { return Error(ErrorKind::kNetwork, where, what); };
  const Json answer = Json::parse(json, nullptr, false);
  if (!answer.is_object()) throw refuse("must answer with a JSON object, and does not");
  RepoListing listing;
  listing.commit = string_or_empty(answer, "sha");
  if (!is_hex(listing.commit, kSha1Digits)) throw refuse("must name the commit, and does not");
  const auto siblings = answer.find("siblings");
  if (siblings == answer.end() || !siblings->is_array()) throw refuse("must list the files, and does not");
  for (const Json& sibling : *siblings) listing.files.push_back(parse_repo_file(sibling, where));
  return listing;
}

std::vector<RepoFile> choose_files(const RepoListing& listing, const HfSpec& spec) {
  std::vector<RepoFile> chosen;
  if (spec.file.empty()) {
    chosen = choose_model(listing, spec);
  } else {
    const auto found = std::ranges::find(listing.files, spec.file, &RepoFile::name);
    if (found == listing.files.end()) {
      throw Error(ErrorKind::kFile, to_string(spec), "must be a file of the repository, and is not there");
    }
    chosen.push_back(*found);
  }
  std::ranges::sort(chosen, {}, &RepoFile::name);
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (!is_safe_file_name(chosen[i].name)) {
      throw Error(ErrorKind::kNetwork, to_string(spec),
                  "must name its files by plain relative paths, and the server names one otherwise");
    }
    if (i > 0 && chosen[i].name == chosen[i - 1].name) {
      throw Error(ErrorKind::kNetwork, to_string(spec),
                  fmt::format("must list each file once, and the server lists {} twice", chosen[i].name));
    }
  }
  return chosen;
}

fs::path pull_hf(const HfSpec& spec, const HubConfig& config, const PullEvents& events) {
  const RepoListing listing = fetch_listing(spec, config, events);
  const std::vector<RepoFile> chosen = choose_files(listing, spec);
  const fs::path directory = hf_directory(spec);
  std::vector<RepoFile> missing;
  std::vector<PulledFile> list;
  uint64_t bytes = 0;
  for (const RepoFile& file : chosen) {
    list.push_back({file.name, file.size});
    if (is_expected(directory / file.name, expected_file(file), events)) continue;
    missing.push_back(file);
    const auto sum = checked_add(bytes, bytes_to_come(directory / file.name, file.size));
    if (!sum) {
      throw Error(ErrorKind::kNetwork, to_string(spec),
                  "must have files of real sizes, and their sum overflows");
    }
    bytes = *sum;
  }
  require_disk_room(directory, bytes);
  for (const RepoFile& file : missing) fetch_file(file, listing, spec, config, events);
  if (!spec.file.empty()) return directory / spec.file;
  write_pulled_list(directory, listing.commit, list);
  return chosen.size() == 1 && chosen[0].name.ends_with(".gguf") ? directory / chosen[0].name : directory;
}

}  // namespace longscroll
