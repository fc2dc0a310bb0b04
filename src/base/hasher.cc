#include "base/hasher.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cassert>
#include <new>

#include "base/error.h"

namespace longscroll {

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

std::string sha256_hex(std::string_view bytes) {
  Hasher hasher = Hasher::sha256();
  hasher.update(std::as_bytes(std::span(bytes)));
  return hasher.hex();
}

}  // namespace longscroll
