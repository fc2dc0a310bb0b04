#include "apps/npy.h"

#include <cstring>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace longscroll {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Npy, HeaderIsVersionOneAndPaddedTo64Bytes) {
  const std::string header = npy_header(3, 32000);
  EXPECT_EQ(header.size() % 64, 0u);
  EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const size_t length = static_cast<uint8_t>(header[8]) + 256u * static_cast<uint8_t>(header[9]);
  EXPECT_EQ(length + 10, header.size());
  EXPECT_THAT(header, HasSubstr("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 32000), }"));
  EXPECT_EQ(header.back(), '\n');
}

TEST(Npy, WritesRowsInOrderAndNothingElse) {
  const fs::path path = fs::path(testing::TempDir()) / "longscroll_rows.npy";
  const float values[] = {1, -2, 0.5f, 3e38f, 5, 6};
  NpyWriter writer(path, 3, 2);
  writer.write_rows(values, 1);
  EXPECT_FALSE(fs::exists(path));
  writer.write_rows(values + 2, 2);
  writer.finish();
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::string header = npy_header(3, 2);
  ASSERT_EQ(bytes.size(), header.size() + sizeof values);
  EXPECT_EQ(std::memcmp(bytes.data() + header.size(), values, sizeof values), 0);
  fs::remove(path);
}

TEST(Npy, AnUnfinishedFileLeavesNothing) {
  const fs::path folder = fs::path(testing::TempDir()) / "longscroll_npy_unfinished";
  fs::create_directories(folder);
  { const NpyWriter writer(folder / "a.npy", 3, 2); }
  EXPECT_TRUE(fs::is_empty(folder));
  fs::remove_all(folder);
}

TEST(Npy, AFolderThatIsNotThereIsAnError) {
  EXPECT_THROW(NpyWriter("/nonexistent/folder/a.npy", 1, 1), Error);
}

}  // namespace
}  // namespace longscroll
