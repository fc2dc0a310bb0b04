// One file from a URL to its place, checked on the way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "hub/http.h"
#include "hub/part_file.h"
#include "hub/pull_events.h"
#include "hub/sha256.h"

namespace longscroll {

// What a file must be. Small files of a git repository have only git's own hash.
struct ExpectedFile {
  std::string name;  // for messages and progress
  uint64_t size = 0;
  enum class Hash { kSha256, kGitBlob } hash_kind = Hash::kSha256;
  std::string hash;  // lower-case hex
};

bool is_expected(const std::filesystem::path& path, const ExpectedFile& expected, const PullEvents& events);

// Downloads into `part` until its hash holds. A resumed part whose hash is wrong is fetched once more from
// the start, since its first bytes may be another version's; after that a wrong hash is Error(kNetwork), and
// the part is empty.
void fetch_expected(const HttpRequest& request, PartFile& part, const ExpectedFile& expected,
                    const PullEvents& events);

// What a download of `size` bytes to this place still has to bring, given the part that is there.
uint64_t bytes_to_come(const std::filesystem::path& destination, uint64_t size);

// Throws Error(kResource) unless the folder's disk has room for `bytes` more. Makes the folder.
void require_disk_room(const std::filesystem::path& folder, uint64_t bytes);

}  // namespace longscroll
