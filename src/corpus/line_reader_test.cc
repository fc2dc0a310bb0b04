#include "corpus/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "data/test_compression.h"

namespace longscroll::corpus {
namespace {

using longscroll::test::TempFolder;
using testing::ElementsAre;

std::vector<std::string> lines_of(const std::filesystem::path& path, uint64_t most = 1000) {
  LineReader reader(path, most);
  std::vector<std::string> lines;
  while (const auto line = reader.next()) {
    lines.push_back(std::to_string(line->number) +
                    (line->too_long ? " too long" : ":" + std::string(line->text)));
  }
  return lines;
}

TEST(LineReader, GivesLinesWithTheirNumbersAndPassesOverBlankOnes) {
  const TempFolder folder;
  EXPECT_THAT(lines_of(folder.write("a", "one\n\n  \r\ntwo\nthree")),
              ElementsAre("1:one", "4:two", "5:three"));
  EXPECT_THAT(lines_of(folder.write("b", "")), ElementsAre());
  EXPECT_THAT(lines_of(folder.write("c", "\n\n")), ElementsAre());
}

TEST(LineReader, PassesOverAByteOrderMarkAtTheStartAlone) {
  const TempFolder folder;
  EXPECT_THAT(lines_of(folder.write("a", "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\n")),
              ElementsAre("1:one", "2:\xEF\xBB\xBFtwo"));
}

TEST(LineReader, NamesALineThatIsTooLongAndGoesOnBehindIt) {
  const TempFolder folder;
  const std::string text = "a\n" + std::string(3'000'000, 'x') + "\nb\n" + std::string(1001, 'y');
  EXPECT_THAT(lines_of(folder.write("a", text)), ElementsAre("1:a", "2 too long", "3:b", "4 too long"));
  EXPECT_THAT(lines_of(folder.write("b", std::string(1000, 'y'))).size(), 1U);
}

TEST(LineReader, LinesMayBeLongerThanOneReading) {
  const TempFolder folder;
  const std::string longer(700'000, 'x');
  EXPECT_THAT(lines_of(folder.write("a.gz", data::test::gzip("a\n" + longer + "\nb")), 1'000'000),
              ElementsAre("1:a", "2:" + longer, "3:b"));
}

}  // namespace
}  // namespace longscroll::corpus
