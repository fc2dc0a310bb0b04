#include "hub/wheel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "hub/fake_pip.h"
#include "hub/test_environment.h"

namespace longscroll {
namespace {

std::string member_of(const std::filesystem::path& archive, const std::string& member, uint64_t max_bytes) {
  std::string out;
  read_zip_member(archive, member, max_bytes, [&out](std::span<const std::byte> bytes) {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  return out;
}

class WheelTest : public testing::Test {
 protected:
  void SetUp() override { write_zip(path_, "a/b.bin", content_); }

  const test::TempFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "x.whl";
  const std::string content_ = std::string(600'000, 'x') + "end";
};

TEST_F(WheelTest, GivesTheMemberWhole) {
  EXPECT_EQ(member_of(path_, "a/b.bin", content_.size()), content_);
}

TEST_F(WheelTest, RefusesAMemberThatIsMissingOrTooLarge) {
  EXPECT_THROW(member_of(path_, "a/c.bin", 1 << 20), Error);
  EXPECT_THROW(member_of(path_, "a/b.bin", content_.size() - 1), Error);
}

TEST_F(WheelTest, RefusesWhatIsNoZip) {
  EXPECT_THROW(member_of(folder_.path() / "none.whl", "a/b.bin", 10), Error);
  EXPECT_THROW(member_of(folder_.write("y.whl", "not a zip"), "a/b.bin", 10), Error);
  EXPECT_THROW(member_of(folder_.write("z.whl", ""), "a/b.bin", 10), Error);
}

TEST_F(WheelTest, RefusesEveryTruncationAndNoticesDamage) {
  const std::string archive = read_file(path_);
  for (size_t size = 0; size < archive.size(); size += 13) {
    EXPECT_THROW(member_of(folder_.write("cut.whl", archive.substr(0, size)), "a/b.bin", 1 << 20), Error)
        << size;
  }
  std::string damaged = archive;
  damaged[60] = static_cast<char>(damaged[60] ^ 0x55);  // inside the packed data
  EXPECT_THROW(member_of(folder_.write("bad.whl", damaged), "a/b.bin", 1 << 20), Error);
}

}  // namespace
}  // namespace longscroll
