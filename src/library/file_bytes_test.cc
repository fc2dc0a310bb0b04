#include "library/file_bytes.h"

#include <sys/stat.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace longscroll {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class FileBytesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("file_bytes_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& bytes, const std::string& name = "a.txt") {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  std::string error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFile);
      return error.what();
    }
    return "no error";
  }

  fs::path folder_;
};

TEST_F(FileBytesTest, ReadsEveryByteAndStampsThem) {
  const std::string bytes = std::string("a\0b\r\n", 5) + std::string(200'000, 'x');
  const fs::path path = write(bytes);
  const FileBytes read = read_file_bytes(path);
  EXPECT_EQ(read.bytes, bytes);
  EXPECT_EQ(read.stamp, stamp(path));
  EXPECT_EQ(read.stamp.size, bytes.size());
}

TEST_F(FileBytesTest, TheStampTellsAWriteAndAReplacement) {
  const fs::path path = write("one");
  const FileStamp before = stamp(path);
  write("longer");
  EXPECT_NE(stamp(path), before);
  const FileStamp written = stamp(path);
  fs::rename(write("longer", "b.txt"), path);
  EXPECT_NE(stamp(path), written);
}

TEST_F(FileBytesTest, ReadsAgainWhenTheFileChangedOnce) {
  const fs::path path = write("old text");
  int calls = 0;
  const FileBytes read = read_file_bytes(path, [&] {
    if (++calls == 1) write("the new text");
  });
  EXPECT_EQ(read.bytes, "the new text");
  EXPECT_EQ(calls, 2);
}

TEST_F(FileBytesTest, ReadsAgainWhenTheFileWasReplacedByRenaming) {
  const fs::path path = write("old text");
  bool first = true;
  const FileBytes read = read_file_bytes(path, [&] {
    if (!first) return;
    first = false;
    fs::rename(write("new text", "b.txt"), path);
  });
  EXPECT_EQ(read.bytes, "new text");
}

TEST_F(FileBytesTest, GivesUpOnAFileThatKeepsChanging) {
  const fs::path path = write("x");
  std::string content;
  int calls = 0;
  const std::string message = error_of([&] {
    read_file_bytes(path, [&] {
      ++calls;
      write(content += "more");
    });
  });
  EXPECT_THAT(message, HasSubstr("found it changed 3 times"));
  EXPECT_EQ(calls, kReadAttempts);
}

TEST_F(FileBytesTest, AFileThatVanishesWhileReadIsAnError) {
  const fs::path path = write("x");
  EXPECT_THAT(error_of([&] { read_file_bytes(path, [&] { fs::remove(path); }); }), HasSubstr("No such file"));
}

TEST_F(FileBytesTest, NamesWhatIsNotAFile) {
  EXPECT_THAT(error_of([&] { read_file_bytes(folder_); }), HasSubstr("found a directory"));
  EXPECT_THAT(error_of([&] { read_file_bytes(folder_ / "none.txt"); }), HasSubstr("No such file"));
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(error_of([&] { read_file_bytes(pipe); }), HasSubstr("found a pipe"));
}

TEST_F(FileBytesTest, RefusesAFileTooLargeToBeADocument) {
  const fs::path path = write("x");
  fs::resize_file(path, kMaxDocumentBytes + 1);  // sparse: takes no disk
  EXPECT_THAT(error_of([&] { read_file_bytes(path); }), HasSubstr("must be at most 256 MiB"));
}

}  // namespace
}  // namespace longscroll
