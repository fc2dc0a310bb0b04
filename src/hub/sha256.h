// Hashes of files, and the note beside a file that it was checked.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/hasher.h"

namespace longscroll {

// Called with the bytes hashed so far; returning false stops with Error(kCancelled).
using HashProgress = std::function<bool(uint64_t done)>;

std::string hash_file(const std::filesystem::path& path, Hasher hasher, const HashProgress& progress = {});

// FILE.sha256 beside a file says, as sha256sum does, that the file was seen to have this hash. It holds as
// long as the file is not newer than it.
bool has_hash_note(const std::filesystem::path& path, uint64_t size, std::string_view sha256);
// Best effort: a folder that cannot be written only costs hashing again.
void write_hash_note(const std::filesystem::path& path, std::string_view sha256);

// True when the file is there, of this size and hash; hashes it when no note says so, then leaves one.
bool is_verified_file(const std::filesystem::path& path, uint64_t size, std::string_view sha256,
                      const HashProgress& progress = {});

}  // namespace longscroll
