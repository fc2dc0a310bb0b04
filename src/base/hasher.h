// SHA-256 and git's blob hash, fed in pieces, by OpenSSL. Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
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

std::string sha256_hex(std::string_view bytes);

}  // namespace longscroll
