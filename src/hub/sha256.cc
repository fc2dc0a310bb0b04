#include "hub/sha256.h"

#include <fstream>
#include <system_error>
#include <vector>

#include "base/error.h"

namespace longscroll {
namespace fs = std::filesystem;
namespace {

constexpr size_t kHashedChunk = size_t{1} << 20;

fs::path note_path(const fs::path& path) {
  return path.string() + ".sha256";
}

}  // namespace

std::string hash_file(const fs::path& path, Hasher hasher, const HashProgress& progress) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::kFile, path.string(), "must be readable, and cannot be opened");
  std::vector<char> chunk(kHashedChunk);
  uint64_t done = 0;
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto got = static_cast<size_t>(file.gcount());
    hasher.update(std::as_bytes(std::span(chunk.data(), got)));
    done += got;
    if (progress && !progress(done)) {
      throw Error(ErrorKind::kCancelled, path.string(), "checking the hash was stopped");
    }
  }
  if (file.bad()) throw Error(ErrorKind::kFile, path.string(), "must be readable, and reading failed");
  return hasher.hex();
}

bool has_hash_note(const fs::path& path, uint64_t size, std::string_view sha256) {
  std::error_code error;
  if (fs::file_size(path, error) != size || error) return false;
  const auto file_time = fs::last_write_time(path, error);
  if (error) return false;
  const auto note_time = fs::last_write_time(note_path(path), error);
  if (error || note_time < file_time) return false;
  std::ifstream note(note_path(path));
  std::string noted;
  note >> noted;
  return noted == sha256;
}

void write_hash_note(const fs::path& path, std::string_view sha256) {
  std::ofstream note(note_path(path), std::ios::trunc);
  note << sha256 << "  " << path.filename().string() << '\n';
}

bool is_verified_file(const fs::path& path, uint64_t size, std::string_view sha256,
                      const HashProgress& progress) {
  if (has_hash_note(path, size, sha256)) return true;
  std::error_code error;
  if (fs::file_size(path, error) != size || error) return false;
  if (hash_file(path, Hasher::sha256(), progress) != sha256) return false;
  write_hash_note(path, sha256);
  return true;
}

}  // namespace longscroll
