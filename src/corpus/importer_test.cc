#include "corpus/importer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/test_corpus.h"
#include "data/test_compression.h"

namespace longscroll::corpus {
namespace {

using test::error_of;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

class Import : public testing::Test {
 protected:
  test::ReadShards run_import(const ImportSettings& settings = {}, int workers = 1) {
    manifest_ = import_corpus(test::request_of(folder_.path() / "raw", folder_.path() / "out", workers),
                              settings, {});
    return test::read_shards(folder_.path() / "out");
  }

  TempFolder folder_;
  Json manifest_;
};

TEST_F(Import, ReadsEveryKindOfFileByName) {
  folder_.write("raw/a.txt", "plain text\r\n");
  folder_.write("raw/b.html", "<p>web <b>page</b></p>");
  folder_.write("raw/c.jsonl.gz", data::test::gzip("{\"text\":\"record\",\"year\":1999}\n"));
  folder_.write("raw/d/e.md.zst", data::test::zstd("# mark"));
  folder_.write("raw/picture.png", "no");
  const test::ReadShards read = run_import();
  EXPECT_THAT(read.ids(), ElementsAre("raw/a.txt", "raw/b.html", "raw/c.jsonl.gz:1", "raw/d/e.md.zst"));
  EXPECT_EQ(read.documents[1].text, "web page");
  EXPECT_EQ(read.documents[2].meta, R"({"year":1999,"file":"c.jsonl.gz","line":1})");
  EXPECT_EQ(manifest_.at("other_kinds"), 1);
  EXPECT_EQ(manifest_.at("out").at("raw").at("documents"), 4);
}

TEST_F(Import, TakesIdsAndSourcesOfRecordsAndNamesThoseThatCameBefore) {
  folder_.write("raw/a.jsonl",
                "{\"id\":\"x\",\"source\":\"books\",\"text\":\"one\"}\n{\"id\":7,\"text\":\"two\"}\n"
                "{\"id\":\"x\",\"text\":\"three\"}\n");
  const test::ReadShards read = run_import();
  EXPECT_THAT(read.ids(), ElementsAre("x", "7", "x@a.jsonl:3"));
  EXPECT_EQ(read.documents[0].source, "books");
  EXPECT_EQ(read.documents[1].source, "raw");
  EXPECT_EQ(manifest_.at("faults").at("duplicate-id"), 1);
}

TEST_F(Import, AFaultCostsItsRecordOrItsFile) {
  folder_.write("raw/a.jsonl",
                "{\"text\":\"one\"}\nnonsense\n{\"text\":7}\n{\"text\":\" \\n\"}\n{\"text\":\"two\"}\n");
  folder_.write("raw/b.txt", std::string("\x00\x01\x02\x03\xff\x00", 6));
  folder_.write("raw/c.txt", "  \n");
  folder_.write("raw/d.jsonl.zst", data::test::zstd("{\"text\":\"three\"}\n").substr(0, 9));
  folder_.write("raw/e.txt", "four");
  const test::ReadShards read = run_import();
  EXPECT_THAT(read.ids(), ElementsAre("raw/a.jsonl:1", "raw/a.jsonl:5", "raw/e.txt"));
  EXPECT_EQ(manifest_.at("faults"), (Json{{"no-text", 3}, {"not-json", 1}, {"unreadable", 2}}));
}

TEST_F(Import, ShardsEndWhenTheyAreFull) {
  std::string records;
  for (int i = 0; i < 10; ++i) records += "{\"text\":\"" + std::string(100, 'x') + "\"}\n";
  folder_.write("raw/a.jsonl", records);
  ImportSettings settings;
  settings.shard_bytes = 250;
  EXPECT_EQ(run_import(settings).documents.size(), 10U);
  ASSERT_EQ(manifest_.at("shards").size(), 4U);
  EXPECT_EQ(manifest_.at("shards")[1].at("file"), "000000-001.jsonl.zst");
  EXPECT_EQ(manifest_.at("shards")[3].at("documents"), 1);
}

TEST_F(Import, JoinsRepositories) {
  folder_.write("raw/one/main.c", "#include \"util.h\"\n");
  folder_.write("raw/one/util.h", "int util;\n");
  folder_.write("raw/two/readme.md", "two\n");
  ImportSettings settings;
  settings.source_trees = true;
  settings.source = "code";
  const test::ReadShards read = run_import(settings);
  EXPECT_THAT(read.ids(), ElementsAre("code/one", "code/two"));
  EXPECT_EQ(read.documents[0].text, "util.h:\n\nint util;\n\nmain.c:\n\n#include \"util.h\"\n");
  EXPECT_EQ(text_field(read.documents[0].meta, "kind"), "code");
}

TEST_F(Import, GivenAgainIsDoneAndWithOtherSettingsIsRefused) {
  folder_.write("raw/a.txt", "text");
  run_import();
  const auto before = test::outputs_of(folder_.path() / "out");
  run_import();
  EXPECT_EQ(test::outputs_of(folder_.path() / "out"), before);
  ImportSettings other;
  other.source = "web";
  EXPECT_THAT(error_of([&] { run_import(other); }), HasSubstr("import.source was \"\", is \"web\""));
  folder_.write("raw/b.txt", "text");
  EXPECT_THAT(error_of([&] { run_import(); }), HasSubstr("other input files"));
}

TEST_F(Import, RefusesInputsThatAreNone) {
  folder_.write("raw/picture.png", "no");
  EXPECT_THAT(error_of([&] { run_import(); }), HasSubstr("must hold files in"));
  const auto error_of_input = [&](const char* name) {
    return error_of(
        [&] { import_corpus(test::request_of(folder_.path() / name, folder_.path() / "out"), {}, {}); });
  };
  EXPECT_THAT(error_of_input("nothing"), HasSubstr("found nothing there"));
  EXPECT_THAT(error_of_input("raw/picture.png"), HasSubstr("unsupported"));
}

}  // namespace
}  // namespace longscroll::corpus
