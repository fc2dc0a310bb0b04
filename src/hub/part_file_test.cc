#include "hub/part_file.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "hub/test_environment.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(PartFile, BecomesTheDestinationOnCommit) {
  const test::TempFolder folder;
  const fs::path path = folder.path() / "sub/x";
  PartFile part(path);
  part.append(bytes_of("abc"));
  part.set_origin("etag \"1\"");
  EXPECT_FALSE(fs::exists(path));
  part.commit();
  EXPECT_EQ(read_file(path), "abc");
  EXPECT_FALSE(fs::exists(part.path()));
  EXPECT_FALSE(fs::exists(path.string() + ".part.origin"));
}

TEST(PartFile, KeepsItsBytesAndOriginForTheNextOne) {
  const test::TempFolder folder;
  {
    PartFile part(folder.path() / "x");
    part.append(bytes_of("abcdef"));
    part.set_origin("etag \"1\"");
    part.truncate(3);
  }
  PartFile part(folder.path() / "x");
  EXPECT_EQ(part.size(), 3u);
  EXPECT_EQ(part.origin(), "etag \"1\"");
  part.append(bytes_of("xyz"));
  EXPECT_EQ(read_file(part.path()), "abcxyz");
}

TEST(PartFile, LeavesNothingWhenEmpty) {
  const test::TempFolder folder;
  {
    PartFile part(folder.path() / "x");
    part.append(bytes_of("abc"));
    part.set_origin("o");
    part.discard();
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(PartFile, IsHeldByOneAtATime) {
  const test::TempFolder folder;
  const PartFile part(folder.path() / "x");
  try {
    const PartFile second(folder.path() / "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
  }
  EXPECT_TRUE(fs::exists(part.path()));
}

TEST(PartFile, DoesNotWriteThroughALink) {
  const test::TempFolder folder;
  const fs::path victim = folder.write("victim", "precious");
  fs::create_symlink(victim, folder.path() / "x.part");
  EXPECT_THROW(PartFile(folder.path() / "x"), Error);
  EXPECT_EQ(read_file(victim), "precious");
}

TEST(PartFile, AFolderThatCannotBeMadeIsAnError) {
  const test::TempFolder folder;
  folder.write("file", "");
  EXPECT_THROW(PartFile(folder.path() / "file/x"), Error);
}

}  // namespace
}  // namespace longscroll
