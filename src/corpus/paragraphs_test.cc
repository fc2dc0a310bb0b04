#include "corpus/paragraphs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using test::TempFolder;

const std::string kNotice =
    "This notice of the publisher stands in every one of his books and is long enough.";

TEST(Paragraphs, StayInTheFirstDocumentAlone) {
  const TempFolder folder;
  const auto in = folder.path() / "in";
  test::write_shard(in / "0.jsonl.zst",
                    test::documents_of({"one\n" + kNotice, "two\n  " + kNotice + "\nend"}, "web", "0."));
  test::write_shard(in / "1.jsonl.zst", test::documents_of({kNotice, "four"}, "web", "1."));
  const Json manifest = cut_repeated_paragraphs(test::request_of(in, folder.path() / "out", 2), {}, {});
  const auto texts = test::read_shards(folder.path() / "out").texts();
  EXPECT_EQ(texts.at("0.0"), "one\n" + kNotice);
  EXPECT_EQ(texts.at("0.1"), "two\nend");
  EXPECT_FALSE(texts.contains("1.0"));  // nothing was left
  EXPECT_EQ(texts.at("1.1"), "four");
  EXPECT_EQ(manifest.at("changes").at("repeated-paragraphs"), 2);
  EXPECT_EQ(manifest.at("dropped").at("empty").at("documents"), 1);
}

TEST(Paragraphs, InTooFewDocumentsOrTooShortStay) {
  const TempFolder folder;
  const std::vector<std::string> texts = {kNotice + "\nshort\n" + kNotice, kNotice + "\nshort", "short"};
  test::write_shard(folder.path() / "in" / "0.jsonl.zst", test::documents_of(texts));
  const Json manifest =
      cut_repeated_paragraphs(test::request_of(folder.path() / "in", folder.path() / "out"), {}, {});
  EXPECT_TRUE(manifest.at("changes").empty());
  EXPECT_EQ(test::read_shards(folder.path() / "out").documents[0].text, texts[0]);
}

TEST(Paragraphs, OfOneDocumentAreNone) {
  EXPECT_THAT(test::error_of([] { cut_repeated_paragraphs({}, {.documents = 1}, {}); }),
              testing::HasSubstr("must be at least 2"));
}

}  // namespace
}  // namespace longscroll::corpus
