#include "data/corpus_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "data/test_compression.h"
#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using longscroll::test::TempFolder;
using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> read_all(CorpusReader& reader) {
  std::vector<std::string> found;
  while (const std::optional<CorpusText> text = reader.next())
    found.push_back(text->place + ": " + text->text);
  return found;
}

TEST(CorpusReader, ReadsAFolderByNameAndSaysWhatItLeavesOut) {
  const TempFolder folder;
  folder.write("c/b.txt", "two\n");
  folder.write("c/a.jsonl", "{\"text\": \"one\"}\n{\"text\": \"one more\"}\n");
  folder.write("c/deep/c.md.gz", test::gzip("three"));
  folder.write("c/deep/d.jsonl.zst", test::zstd("{\"text\": \"four\"}"));
  folder.write("c/notes.pdf", "%PDF-");
  const CorpusFiles files = find_corpus_files({folder.path() / "c"});
  EXPECT_THAT(files.remarks,
              ElementsAre(HasSubstr("1 file(s) of other kinds left out, the first 'notes.pdf'")));
  CorpusReader reader(files.paths, "text");
  EXPECT_THAT(read_all(reader), ElementsAre("a.jsonl line 1: one", "a.jsonl line 2: one more", "b.txt: two\n",
                                            "c.md.gz: three", "d.jsonl.zst line 1: four"));
  EXPECT_EQ(reader.position(), files.bytes);
}

TEST(CorpusReader, CountsDocumentsWithoutText) {
  const TempFolder folder;
  const auto lines =
      folder.write("a.jsonl", "{\"text\": \"\"}\n{\"text\": \"x\"}\n{\"text\": \" \\n\\t\"}\n");
  CorpusReader reader({lines, folder.write("b.txt", ""), folder.write("c.txt", "\n\n")}, "text");
  EXPECT_THAT(read_all(reader), ElementsAre("a.jsonl line 2: x"));
  EXPECT_EQ(reader.empty(), 4U);
}

TEST(CorpusReader, TextFilesMayBeInOtherEncodingsAndAreThenRemarkedOn) {
  const TempFolder folder;
  const std::string gb18030 =
      "\xC4\xE3\xBA\xC3\xA3\xAC\xCA\xC0\xBD\xE7\xA1\xA3\xC4\xE3\xBA\xC3\xA3\xAC\xCA\xC0\xBD\xE7\xA1\xA3";
  CorpusReader reader({folder.write("zh.txt", gb18030)}, "text");
  EXPECT_THAT(read_all(reader), ElementsAre("zh.txt: 你好，世界。你好，世界。"));
  EXPECT_THAT(reader.remarks(), ElementsAre("1 text file(s) read as GB18030, the first zh.txt"));
}

TEST(CorpusReader, TakesTheTextFromTheFieldThatIsNamed) {
  const TempFolder folder;
  const auto path = folder.write("a.jsonl", "{\"text\": \"x\", \"body\": \"y\"}\n{\"text\": \"z\"}\n");
  CorpusReader reader({path}, "body");
  EXPECT_EQ(reader.next()->text, "y");
  EXPECT_THAT(error_of([&] { reader.next(); }),
              HasSubstr("a.jsonl] line 2 must have the field 'body', found none\n  hint: it has 'text'"));
}

TEST(CorpusReader, PathsThatHoldNothingToReadAreNamed) {
  const TempFolder folder;
  folder.write("d/x.bin", "x");
  const auto fault = [](const std::filesystem::path& path) {
    return error_of([&] { find_corpus_files({path}); });
  };
  EXPECT_THAT(fault(folder.path() / "none"),
              HasSubstr("file: [" + (folder.path() / "none").string() + "] must be a file"));
  EXPECT_THAT(fault(folder.path() / "d"), HasSubstr("must hold files in .jsonl, .txt, .md"));
  EXPECT_THAT(fault(folder.path() / "d/x.bin"), HasSubstr("unsupported: ["));
  EXPECT_THAT(error_of([&] { find_record_files({folder.write("x.txt", "")}); }),
              HasSubstr("must end in .jsonl, .json"));
}

}  // namespace
}  // namespace longscroll::data
