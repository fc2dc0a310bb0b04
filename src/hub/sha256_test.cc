#include "hub/sha256.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "base/error.h"
#include "hub/test_environment.h"

namespace longscroll {
namespace {

TEST(HashFile, StopsWhenToldAndRefusesAMissingFile) {
  const test::TempFolder folder;
  const auto path = folder.write("x", "abc");
  EXPECT_EQ(hash_file(path, Hasher::sha256()), sha256_hex("abc"));
  try {
    hash_file(path, Hasher::sha256(), [](uint64_t) { return false; });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
  }
  EXPECT_THROW(hash_file(folder.path() / "none", Hasher::sha256()), Error);
}

TEST(HashNote, HoldsUntilTheFileChanges) {
  const test::TempFolder folder;
  const auto path = folder.write("x", "abc");
  const std::string hash = sha256_hex("abc");
  EXPECT_FALSE(has_hash_note(path, 3, hash));
  EXPECT_TRUE(is_verified_file(path, 3, hash));
  EXPECT_TRUE(has_hash_note(path, 3, hash));
  EXPECT_FALSE(has_hash_note(path, 4, hash));
  EXPECT_EQ(read_file(path.string() + ".sha256"), hash + "  x\n");

  folder.write("x", "abd");
  std::filesystem::last_write_time(path,
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_FALSE(has_hash_note(path, 3, hash));
  EXPECT_FALSE(is_verified_file(path, 3, hash));
}

TEST(HashNote, OfAnotherHashDoesNotCount) {
  const test::TempFolder folder;
  const auto path = folder.write("x", "abc");
  write_hash_note(path, sha256_hex("else"));
  EXPECT_TRUE(is_verified_file(path, 3, sha256_hex("abc")));
  EXPECT_FALSE(is_verified_file(path, 3, sha256_hex("else")));
}

}  // namespace
}  // namespace longscroll
