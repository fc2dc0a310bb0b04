#include "base/hasher.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace longscroll {
namespace {

std::string hash_text(Hasher hasher, std::string_view text) {
  hasher.update(std::as_bytes(std::span(text)));
  return hasher.hex();
}

// FIPS 180-4's own examples.
TEST(Sha256, GivesThePublishedVectors) {
  EXPECT_EQ(hash_text(Hasher::sha256(), ""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_text(Hasher::sha256(), "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_text(Hasher::sha256(), std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesHashAsTheWhole) {
  Hasher pieces = Hasher::sha256();
  for (const std::string_view piece : {"a", "", "bc"}) pieces.update(std::as_bytes(std::span(piece)));
  EXPECT_EQ(pieces.hex(), hash_text(Hasher::sha256(), "abc"));
}

// `git hash-object` of an empty file, and of "hello\n".
TEST(GitBlob, HashesAsGitDoes) {
  EXPECT_EQ(hash_text(Hasher::git_blob(0), ""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(hash_text(Hasher::git_blob(6), "hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(Sha256, OfATextInOneCall) {
  EXPECT_EQ(sha256_hex("abc"), hash_text(Hasher::sha256(), "abc"));
}

}  // namespace
}  // namespace longscroll
