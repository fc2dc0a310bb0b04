// SHA-256 and git's blob hash, fed in pieces, and the note beside a file that it was checked.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace longscroll {

class Hasher {
 public:
  static Hasher sha256();
  // What git calls a file of `size` bytes: SHA-1 over "blob SIZE\0" and the bytes.
  static Hasher git_blob(uint64_t size);

  void update(std::span<const std::byte> bytes);
  std::string hex();  // ends the hash; call once

 private:
  explicit Hasher(bool use_sha256);
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

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
