#include "base/mapped_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"

namespace longscroll {
namespace {

std::filesystem::path temporary(const std::string& name, const std::string& text) {
  const auto path = std::filesystem::path(testing::TempDir()) / name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(MappedFile, ShowsTheFilesBytes) {
  const MappedFile file(temporary("mapped_file_bytes", "abc"));
  ASSERT_EQ(file.bytes().size(), 3u);
  EXPECT_EQ(static_cast<char>(file.bytes()[2]), 'c');
}

TEST(MappedFile, EmptyFileGivesEmptySpan) {
  EXPECT_TRUE(MappedFile(temporary("mapped_file_empty", "")).bytes().empty());
}

TEST(MappedFile, StaysMappedAfterMove) {
  MappedFile first(temporary("mapped_file_move", "xyz"));
  const MappedFile second(std::move(first));
  EXPECT_EQ(static_cast<char>(second.bytes()[0]), 'x');
}

TEST(MappedFile, MissingFileAndDirectoryAreFileErrors) {
  EXPECT_THROW(MappedFile("/nonexistent/file"), Error);
  EXPECT_THROW(MappedFile{std::filesystem::path(testing::TempDir())}, Error);
}

}  // namespace
}  // namespace longscroll
