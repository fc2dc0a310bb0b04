#include "hub/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cassert>
#include <fstream>
#include <system_error>
#include <vector>

#include "base/error.h"

namespace longscroll {
namespace fs = std::filesystem;
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;

fs::path note_path(const fs::path& path) {
  return path.string() + ".sha256";
}

}  // namespace

void Hasher::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Hasher::Hasher(bool use_sha256) : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  if (EVP_DigestInit_ex(context_.get(), use_sha256 ? EVP_sha256() : EVP_sha1(), nullptr) != 1) {
    throw Error(ErrorKind::kUnsupported, "OpenSSL", "must offer SHA-256 and SHA-1, and refused one of them");
  }
}

Hasher Hasher::sha256() {
  return Hasher(true);
}

Hasher Hasher::git_blob(uint64_t size) {
  Hasher hasher(false);
  const std::string header = fmt::format("blob {}", size);
  hasher.update(std::as_bytes(std::span(header.c_str(), header.size() + 1)));  // git hashes the NUL too
  return hasher;
}

void Hasher::update(std::span<const std::byte> bytes) {
  [[maybe_unused]] const int ok = EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  assert(ok == 1);
}

std::string Hasher::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  [[maybe_unused]] const int ok = EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
  assert(ok == 1);
  std::string text;
  for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string hash_file(const fs::path& path, Hasher hasher, const HashProgress& progress) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::kFile, path.string(), "must be readable, and cannot be opened");
  std::vector<char> chunk(kChunkBytes);
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
