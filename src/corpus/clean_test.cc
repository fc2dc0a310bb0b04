#include "corpus/clean.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/test_corpus.h"

namespace longscroll::corpus {
namespace {

using test::TempFolder;
using testing::ElementsAre;

// English that CLD2 is sure of, and that passes every rule. No line comes twice.
std::string english(int number) {
  std::string text;
  for (int i = 0; i < 12; ++i) {
    const std::string count = std::to_string(1 + number * 12 + i);
    text += "In chapter " + count + " of the book, the people of village " + count +
            " gathered by the river and talked about the harvest that they hoped to have with the coming "
            "autumn.\n";
  }
  return text;
}

// Rules of repetition are for real texts; these are made from one pattern.
CleanSettings without_repetition() {
  CleanSettings settings;
  GopherSettings& gopher = settings.gopher;
  for (double* limit :
       {&gopher.max_top_2_gram, &gopher.max_top_3_gram, &gopher.max_top_4_gram, &gopher.max_repeated_5_grams,
        &gopher.max_repeated_6_grams, &gopher.max_repeated_7_grams, &gopher.max_repeated_8_grams,
        &gopher.max_repeated_9_grams, &gopher.max_repeated_10_grams}) {
    *limit = 0;
  }
  return settings;
}

class Clean : public testing::Test {
 protected:
  test::ReadShards clean(const std::vector<TextDocument>& documents, const CleanSettings& settings) {
    test::write_shard(folder_.path() / "in" / "s.jsonl.zst", documents);
    manifest_ = clean_corpus(test::request_of(folder_.path() / "in", folder_.path() / "out"), settings, {});
    return test::read_shards(folder_.path() / "out");
  }

  TempFolder folder_;
  Json manifest_;
};

TEST_F(Clean, KeepsATextAndSaysItsLanguage) {
  const test::ReadShards read = clean(test::documents_of({english(0)}), without_repetition());
  ASSERT_EQ(read.documents.size(), 1U);
  EXPECT_EQ(read.documents[0].text + "\n", english(0));
  EXPECT_EQ(text_field(read.documents[0].meta, "language"), "en");
}

TEST_F(Clean, CountsEveryDroppedDocumentUnderItsReason) {
  std::string digits;
  for (int i = 0; i < 100; ++i)
    digits += "the table of " + std::to_string(1234567890123 + i * 7919) + " and ";
  const test::ReadShards read =
      clean(test::documents_of({english(0), "Sign in\nHome\n", "too short",
                                english(1) + "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
                                digits, english(2)}),
            without_repetition());
  EXPECT_THAT(read.ids(), ElementsAre("0", "5"));
  const Json& dropped = manifest_.at("dropped");
  EXPECT_EQ(dropped.at("empty").at("documents"), 1);
  EXPECT_EQ(dropped.at("gopher-few-words").at("documents"), 1);
  EXPECT_EQ(dropped.at("broken-encoding").at("documents"), 1);
  EXPECT_EQ(dropped.at("digits").at("documents"), 1);
  const Json samples = parse_json(test::bytes_of(folder_.path() / "out" / "samples.json"));
  EXPECT_EQ(samples.at("gopher-few-words")[0].at("text"), "too short");
}

TEST_F(Clean, MendsWhatCanBeMended) {
  const test::ReadShards read =
      clean(test::documents_of({english(0) + "the cafÃ© and the crÃ¨me\x07 of e\xCC\x81lan"}),
            without_repetition());
  ASSERT_EQ(read.documents.size(), 1U);
  EXPECT_TRUE(read.documents[0].text.ends_with("the café and the crème of élan"));
  EXPECT_EQ(manifest_.at("changes").at("mojibake"), 2);
  EXPECT_EQ(manifest_.at("changes").at("control-characters"), 1);
  EXPECT_EQ(manifest_.at("changes").at("not-nfc"), 1);
}

TEST_F(Clean, KeepsTheLanguagesThatAreNamed) {
  std::string chinese;
  for (int i = 0; i < 20; ++i) {
    chinese += "第" + std::to_string(i) +
               "章，村里的人们聚集在河边，谈论着他们希望在即将到来的秋天获得的收成和新的生活。\n";
  }
  CleanSettings settings = without_repetition();
  settings.languages = {"zh"};
  const test::ReadShards read = clean(test::documents_of({english(0), chinese}), settings);
  EXPECT_THAT(read.ids(), ElementsAre("1"));
  EXPECT_EQ(manifest_.at("dropped").at("language").at("documents"), 1);
}

TEST_F(Clean, CodeIsMendedAndNotJudged) {
  std::vector<TextDocument> code = test::documents_of({"}\n}\n}\nhome\n"});
  code[0].meta = R"({"kind":"code"})";
  const test::ReadShards read = clean(code, {});
  ASSERT_EQ(read.documents.size(), 1U);
  EXPECT_EQ(read.documents[0].text, "}\n}\n}\nhome\n");
}

TEST_F(Clean, MasksWhatItIsAskedTo) {
  CleanSettings settings = without_repetition();
  settings.mask.email = true;
  const test::ReadShards read = clean(test::documents_of({english(0) + "write to me@example.org"}), settings);
  ASSERT_EQ(read.documents.size(), 1U);
  EXPECT_TRUE(read.documents[0].text.ends_with("write to <EMAIL>"));
  EXPECT_EQ(manifest_.at("changes").at("masked"), 1);
}

}  // namespace
}  // namespace longscroll::corpus
