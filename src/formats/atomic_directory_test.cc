#include "formats/atomic_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "formats/test_files.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;

size_t entries(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(AtomicDirectory, AppearsWholeOrNotAtAll) {
  const test::TempFolder folder;
  const fs::path out = folder.path() / "out";
  {
    const AtomicDirectory directory(out);
    std::ofstream(directory.temporary() / "part") << "half";
    EXPECT_FALSE(fs::exists(out));
  }
  EXPECT_EQ(entries(folder.path()), 0u) << "left uncommitted";
  AtomicDirectory directory(out / "");  // with its slash
  std::ofstream(directory.temporary() / "whole") << "all";
  directory.commit();
  EXPECT_TRUE(fs::exists(out / "whole"));
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(AtomicDirectory, ReplacesWhatWasThere) {
  const test::TempFolder folder;
  const fs::path out = folder.path() / "out";
  fs::create_directory(out);
  std::ofstream(out / "old") << "old";
  AtomicDirectory directory(out);
  directory.commit();
  EXPECT_EQ(entries(out), 0u);
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(AtomicDirectory, APlaceThatCannotBeWrittenIsNamed) {
  const test::TempFolder folder;
  try {
    const AtomicDirectory directory(folder.path() / "no" / "out");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_THAT(error.what(), testing::HasSubstr("no/out"));
  }
}

}  // namespace
}  // namespace longscroll
