#include "corpus/document_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/test_corpus.h"
#include "data/test_compression.h"

namespace longscroll::corpus {
namespace {

using test::read_shards;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;

std::string record(const std::string& id, const std::string& text) {
  return R"({"id":")" + id + R"(","source":"web","text":")" + text + "\"}\n";
}

// "line kind" of each fault.
std::vector<std::string> kinds(const FaultList& faults) {
  std::vector<std::string> kinds;
  for (const Fault& fault : faults.named()) kinds.push_back(std::to_string(fault.line) + " " + fault.kind);
  return kinds;
}

TEST(DocumentShards, AreReadAsTheyWereWritten) {
  const TempFolder folder;
  std::string text = "quote \" backslash \\ tab\t line\n\x01\x1f\x7f 长文本 🙂";
  text += '\0';
  const std::vector<TextDocument> written = {{"a", "web", text, R"({"n":1,"deep":{"x":[1,2]}})"},
                                             {"b/ü", "书", std::string(3'000'000, 'x'), "{}"}};
  const auto path = test::write_shard(folder.path() / "s.jsonl.zst", written);
  const test::ReadShards read = read_shards(path);
  EXPECT_EQ(read.faults.count(), 0U);
  ASSERT_EQ(read.documents.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.documents[i].id, written[i].id);
    EXPECT_EQ(read.documents[i].source, written[i].source);
    EXPECT_EQ(read.documents[i].text, written[i].text);
    EXPECT_EQ(read.documents[i].meta, written[i].meta);
  }
}

TEST(DocumentShards, ABadRecordCostsItsLineAlone) {
  const TempFolder folder;
  const std::string deep = std::string(30, '[') + std::string(30, ']');
  const auto path = folder.write(
      "s.jsonl",
      record("a", "one") + "not json\n" + record("b", "\xff\xfe") + "[1]\n" + R"({"id":"c","source":"web"})" +
          "\n" + record("d", "") + record("a", "again") + R"({"id":"e","id":"f","source":"s","text":"t"})" +
          "\n" + R"({"id":"g","source":"s","text":"t","meta":)" + deep + "}\n" +
          R"({"id":7,"source":"s","text":"t"})" + "\n" +
          std::string("{\"id\":\"nul\0\",\"source\":\"s\",\"text\":\"t\"}\n", 38) + record("h", "two"));
  const test::ReadShards read = read_shards(path);
  EXPECT_THAT(read.ids(), ElementsAre("a", "h"));
  EXPECT_THAT(kinds(read.faults),
              ElementsAre("2 not-json", "3 not-utf8", "4 not-json", "5 no-document", "6 no-document",
                          "7 duplicate-id", "8 not-json", "9 not-json", "10 no-document", "11 not-json"));
}

TEST(DocumentShards, AFileThatEndsTooSoonGivesWhatWasWhole) {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += record(std::to_string(i), "text " + std::to_string(i * 7919));
  const std::string packed = data::test::zstd(text);
  const auto path = folder.write("s.jsonl.zst", packed.substr(0, packed.size() / 2));
  const test::ReadShards read = read_shards(path);
  EXPECT_GT(read.documents.size(), 100U);
  EXPECT_LT(read.documents.size(), 20'000U);
  ASSERT_EQ(read.faults.named().size(), 1U);
  EXPECT_EQ(read.faults.named()[0].kind, "unreadable");
  EXPECT_THAT(read.faults.named()[0].what, HasSubstr("end too soon"));
}

TEST(DocumentShards, DamageAnywhereIsAFaultAtMost) {
  const TempFolder folder;
  const std::string good = data::test::zstd(record("a", "one") + record("b", "two"));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    EXPECT_NO_THROW(read_shards(folder.write("s.jsonl.zst", bad))) << "byte " << i;
  }
}

TEST(DocumentShards, AMissingFileIsAFault) {
  FaultList faults;
  DocumentReader reader("/nowhere/s.jsonl.zst", faults);
  TextDocument document;
  EXPECT_FALSE(reader.next(document));
  EXPECT_EQ(faults.by_kind().at("unreadable"), 1U);
}

TEST(DocumentShards, TheSameDocumentsAreTheSameBytes) {
  const TempFolder folder;
  const auto documents = test::documents_of({"one", "two"});
  EXPECT_EQ(test::bytes_of(test::write_shard(folder.path() / "a.jsonl.zst", documents)),
            test::bytes_of(test::write_shard(folder.path() / "b.jsonl.zst", documents)));
}

TEST(Faults, AreCountedBeyondThoseThatAreNamed) {
  FaultList faults;
  for (int i = 0; i < 250; ++i) faults.add({"not-json", "f", static_cast<uint64_t>(i), "x"});
  const FaultList again = FaultList::from_json(faults.to_json());
  EXPECT_EQ(again.count(), 250U);
  EXPECT_EQ(again.named().size(), FaultList::kNamed);
}

}  // namespace
}  // namespace longscroll::corpus
