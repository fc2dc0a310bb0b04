#include "data/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/test_folder.h"
#include "data/test_compression.h"
#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using longscroll::test::TempFolder;
using test::error_of;
using test::gzip;
using test::zstd;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> texts_of(const std::filesystem::path& path) {
  RecordReader reader(path);
  std::vector<std::string> texts;
  while (const std::optional<Record> record = reader.next()) {
    texts.push_back(std::to_string(record->place.line) + ":" + record_text(*record, "t"));
  }
  return texts;
}

class Records : public testing::Test {
 protected:
  std::vector<std::string> texts(const std::string& name, const std::string& bytes) {
    return texts_of(folder_.write(name, bytes));
  }
  std::string error(const std::string& name, const std::string& bytes) {
    const auto path = folder_.write(name, bytes);
    return error_of([&] { texts_of(path); });
  }
  TempFolder folder_;
};

const std::string kTwo = "{\"t\": \"a\"}\n{\"t\": \"b\\n\"}\n";

TEST_F(Records, LinesWithOrWithoutALastLineEnd) {
  EXPECT_THAT(texts("x.jsonl", kTwo), ElementsAre("1:a", "2:b\n"));
  EXPECT_THAT(texts("x.jsonl", kTwo.substr(0, kTwo.size() - 1)), ElementsAre("1:a", "2:b\n"));
  EXPECT_THAT(texts("x.jsonl", "\xEF\xBB\xBF{\"t\": \"a\"}\r\n\n \n"), ElementsAre("1:a"));
  EXPECT_THAT(texts("x.jsonl", ""), ElementsAre());
}

TEST_F(Records, LinesThatAreLongerThanWhatIsReadAtOnce) {
  const std::string large(3'000'000, 'x');
  EXPECT_THAT(texts("x.jsonl", "{\"t\": \"" + large + "\"}\n{\"t\": \"b\"}"),
              ElementsAre("1:" + large, "2:b"));
}

TEST_F(Records, CompressedFilesOfOneMemberOrSeveral) {
  // Enough, and of too little pattern, to be read in several pieces even compressed.
  std::string many;
  for (uint64_t i = 0, state = 1; i < 4'000; ++i) {
    std::string text = std::to_string(i) + ":";
    for (int word = 0; word < 6; ++word)
      text += std::to_string(state = state * 6364136223846793005u + 1442695040888963407u);
    many += "{\"t\": \"" + text + "\"}\n";
  }
  EXPECT_EQ(texts("x.jsonl.gz", gzip(many)).size(), 4'000U);
  EXPECT_EQ(texts("x.jsonl.gz", gzip(many) + gzip("") + gzip(many)).size(), 8'000U);
  EXPECT_EQ(texts("x.jsonl.zst", zstd(many)).size(), 4'000U);
  EXPECT_EQ(texts("x.jsonl.zst", zstd(many) + zstd("") + zstd(many)).size(), 8'000U);
  EXPECT_GT(zstd(many).size(), size_t{1} << 17);
  EXPECT_THAT(texts("x.jsonl.zst", zstd(many)).back(), ::testing::StartsWith("4000:3999:"));
}

TEST_F(Records, CompressedFilesThatAreCutShortOrSomethingElse) {
  const std::string zipped = gzip(kTwo);
  const std::string squeezed = zstd(kTwo);
  for (size_t size = 0; size < zipped.size(); ++size) {
    EXPECT_THAT(error("x.jsonl.gz", zipped.substr(0, size)), HasSubstr("must be a whole gzip file")) << size;
  }
  for (size_t size = 0; size < squeezed.size(); ++size) {
    EXPECT_THAT(error("x.jsonl.zst", squeezed.substr(0, size)), HasSubstr("must be a whole Zstandard file"))
        << size;
  }
  EXPECT_THAT(error("x.jsonl.gz", kTwo),
              HasSubstr("must be gzip as its name says, found: incorrect header check"));
  EXPECT_THAT(error("x.jsonl.zst", kTwo), HasSubstr("must be Zstandard as its name says"));
  EXPECT_THAT(error("x.jsonl.gz", zipped + "more"), HasSubstr("must be gzip as its name says"));
  std::string damaged = zipped;
  damaged[zipped.size() - 6] ^= 1;  // of the checksum
  EXPECT_THAT(error("x.jsonl.gz", damaged), HasSubstr("incorrect data check"));
}

TEST_F(Records, AnArrayInAJsonFile) {
  EXPECT_THAT(
      texts("x.json", "[\n  {\"t\": \"a, ]}\\\"\"},\n  {\"t\": \"b\",\n   \"u\": [1, {\"v\": 2}]}\n]\n"),
      ElementsAre("2:a, ]}\"", "3:b"));
  EXPECT_THAT(texts("x.json", " [ ] "), ElementsAre());
  EXPECT_THAT(texts("x.json.gz", gzip("[{\"t\": \"a\"}]")), ElementsAre("1:a"));
  EXPECT_THAT(texts("x.json", kTwo), ElementsAre("1:a", "2:b\n"));  // lines under another name
}

TEST_F(Records, AnArrayThatIsNone) {
  EXPECT_THAT(error("x.json", "["), HasSubstr("line 1 must end the array with ]"));
  EXPECT_THAT(error("x.json", "[\n{\"t\": \"a\"}\n"), HasSubstr("line 3 must go on with , or ]"));
  EXPECT_THAT(error("x.json", "[{\"t\": \"a\"},\n]"),
              HasSubstr("line 2 must have a record behind the comma"));
  EXPECT_THAT(error("x.json", "[{\"t\": \"a\"}]\n[]"), HasSubstr("line 2 must end with the array"));
  EXPECT_THAT(error("x.json", "[1]"), HasSubstr("line 1 must be a JSON object, found number"));
  EXPECT_THAT(error("x.json", "[{\"t\": \"a"), HasSubstr("the record of line 1 must be JSON"));
  EXPECT_THAT(error("x.json", "[{\"t\": \"a\\"), HasSubstr("the record of line 1 must be JSON"));
  EXPECT_THAT(error("x.json", "[,{}]"), HasSubstr("the record of line 1 must be JSON"));
}

TEST_F(Records, FaultsAreNamedWithFileAndLine) {
  EXPECT_THAT(error("x.jsonl", "{\"t\": \"a\"}\n{\"t\": }\n"),
              AllOf(HasSubstr("x.jsonl]"), HasSubstr("the record of line 2 must be JSON")));
  EXPECT_THAT(error("x.jsonl", "{\"t\": \"a\"}\n\n\n{\"t\": \"b\"}\n"),
              HasSubstr("line 2 must be a JSON object, found an empty line"));
  EXPECT_THAT(error("x.jsonl", "[]\n"), HasSubstr("line 1 must be a JSON object, found array"));
  EXPECT_THAT(error("x.jsonl", "{\"t\": \"a\"}\n{\"t\": \"\xC4\xE3\xBA\xC3\"}\n"),
              HasSubstr("line 2 must be UTF-8, found the byte 0xC4"));
  EXPECT_THAT(error("x.jsonl", "{\"t\": \"\\ud800\"}\n"), HasSubstr("the record of line 1 must be JSON"));
  EXPECT_THAT(error("x.jsonl", "{\"t\": \"a\", \"t\": \"b\"}"),
              HasSubstr("must name 't' once, found it twice"));
  EXPECT_THAT(error("x.jsonl", "{\"u\": 1, \"v\": 2}"),
              AllOf(HasSubstr("line 1 must have the field 't', found none"), HasSubstr("it has 'u', 'v'")));
  EXPECT_THAT(error("x.jsonl", "{\"t\": 1}"),
              HasSubstr("line 1 must have a text in the field 't', found number"));
  EXPECT_THAT(error("x.jsonl", std::string(40, '[')), HasSubstr("at most 16 levels deep"));
  EXPECT_THAT(error_of([&] { texts_of(folder_.path() / "none.jsonl"); }), HasSubstr("must be readable"));
  EXPECT_THAT(error_of([&] { texts_of(folder_.path()); }), HasSubstr("must be a regular file"));
}

}  // namespace
}  // namespace longscroll::data
