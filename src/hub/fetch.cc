#include "hub/fetch.h"

#include <fmt/format.h>

#include <system_error>

#include "base/checked_math.h"
#include "base/error.h"

namespace longscroll {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kSpareBytes = uint64_t{16} << 20;  // for notes, and so as not to fill a disk to the brim

std::string hash_of(const fs::path& path, const ExpectedFile& expected, const PullEvents& events) {
  return hash_file(
      path,
      expected.hash_kind == ExpectedFile::Hash::kSha256 ? Hasher::sha256() : Hasher::git_blob(expected.size),
      [&events](uint64_t) { return !events.cancelled(); });
}

}  // namespace

bool is_expected(const fs::path& path, const ExpectedFile& expected, const PullEvents& events) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) != expected.size || error) return false;
  return hash_of(path, expected, events) == expected.hash;
}

void fetch_expected(const HttpRequest& request, PartFile& part, const ExpectedFile& expected,
                    const PullEvents& events) {
  for (bool resumed = part.size() > 0;; resumed = false) {
    http_download(request, part, expected.size, expected.name, events);
    const std::string found = hash_of(part.path(), expected, events);
    if (found == expected.hash) return;
    part.discard();
    if (!resumed) {
      throw Error(ErrorKind::kNetwork, request.url,
                  fmt::format("must have the hash {}, and what came has {}", expected.hash, found),
                  "the file was changed at its source or on the way; it was not kept");
    }
    events.say(fmt::format("{}: the part from before does not fit; downloading it again", expected.name));
  }
}

uint64_t bytes_to_come(const fs::path& destination, uint64_t size) {
  std::error_code error;
  const uint64_t there = fs::file_size(destination.string() + ".part", error);
  return error || there > size ? size : size - there;
}

void require_disk_room(const fs::path& folder, uint64_t bytes) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw Error(
        ErrorKind::kResource, folder.string(),
        fmt::format("must be a folder that can be written, and making it failed: {}", error.message()),
        "set LONGSCROLL_MODELS to another folder");
  }
  const fs::space_info space = fs::space(folder, error);
  if (error) return;  // the disk does not say: then writing will
  const auto needed = checked_add(bytes, kSpareBytes);
  if (!needed || *needed > space.available) {
    throw Error(ErrorKind::kResource, folder.string(),
                fmt::format("must have room for {} bytes, and has {}", bytes, space.available),
                "free some disk space, or set LONGSCROLL_MODELS to another folder");
  }
}

}  // namespace longscroll
