#include "data/tokenizer_identity.h"

#include <gtest/gtest.h>

#include "data/test_documents.h"

namespace longscroll::data {
namespace {

using test::byte_tokenizer;

TEST(TokenizerIdentity, IsTheSameForTheSameTablesWhateverTheModelIsCalled) {
  const TokenizerIdentity one = identify(*byte_tokenizer({"a a"}), "one");
  const TokenizerIdentity two = identify(*byte_tokenizer({"a a"}), "two");
  EXPECT_TRUE(one.same_ids(two));
  EXPECT_EQ(one.sha256.size(), 64U);
  EXPECT_EQ(one.kind, "bpe");
  EXPECT_EQ(one.text(), "bpe, 260 tokens, " + one.sha256.substr(0, 8) + " (one)");
}

TEST(TokenizerIdentity, AnotherVocabularyIsAnotherTokenizer) {
  const TokenizerIdentity one = identify(*byte_tokenizer({"a a"}), "");
  EXPECT_FALSE(one.same_ids(identify(*byte_tokenizer(), "")));
  EXPECT_FALSE(one.same_ids(identify(*byte_tokenizer({"a b"}), "")));
}

// The same tokens, but "ca" is merged before "ar" or behind it: "car" is cut in another way.
TEST(TokenizerIdentity, AnotherOrderOfMergesIsAnotherTokenizer) {
  const auto tokenizer = [](std::vector<std::string> merges) {
    BpeTables tables;
    tables.tokens.assign(byte_spellings().begin(), byte_spellings().end());
    tables.tokens.insert(tables.tokens.end(), {"ca", "ar"});
    tables.merges = std::move(merges);
    tables.pre = "gpt-2";
    return make_bpe_tokenizer(std::move(tables), "test");
  };
  EXPECT_FALSE(identify(*tokenizer({"c a", "a r"}), "").same_ids(identify(*tokenizer({"a r", "c a"}), "")));
}

// Of another way to cut text into words, as GGUF names them.
TEST(TokenizerIdentity, AnotherPatternIsAnotherTokenizer) {
  const auto tokenizer = [](const char* pre) {
    BpeTables tables;
    tables.tokens.assign(byte_spellings().begin(), byte_spellings().end());
    tables.tokens.emplace_back("12");
    tables.merges = {"1 2"};
    tables.pre = pre;
    return make_bpe_tokenizer(std::move(tables), "test");
  };
  EXPECT_FALSE(identify(*tokenizer("gpt-2"), "").same_ids(identify(*tokenizer("qwen2"), "")));
}

}  // namespace
}  // namespace longscroll::data
