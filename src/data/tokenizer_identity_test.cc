#include "data/tokenizer_identity.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "data/test_documents.h"
#include "text/sentencepiece_tokenizer.h"

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

std::string golden(const char* name) {
  std::ifstream in(std::string(LONGSCROLL_GOLDEN_DIR) + "/tokenizers/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(TokenizerIdentity, AModelsOwnFileAndTheTablesThatGgufKeepsOfItAgree) {
  const std::string proto = golden("index_like.model");
  const SpmTables pieces = spm_tables_from_proto(proto, "test");
  const auto from_tables = make_sentencepiece_tokenizer(sentencepiece_proto_from_tables(pieces), {}, "test");
  EXPECT_TRUE(
      identify(*make_sentencepiece_tokenizer(proto, {}, "test"), "").same_ids(identify(*from_tables, "")));

  BpeTables tables = bpe_tables_from_tokenizer_json(golden("bpe_qwen2_like.json"), "test");
  const TokenizerIdentity from_json = identify(*make_bpe_tokenizer(tables, "test"), "");
  tables.split_patterns.clear();
  tables.pre = "qwen2";
  EXPECT_TRUE(from_json.same_ids(identify(*make_bpe_tokenizer(tables, "test"), "")));
}

// The same tokens, but "st" is merged before "te" or behind it: "steps" is cut in another way.
TEST(TokenizerIdentity, AnotherOrderOfMergesIsAnotherTokenizer) {
  const auto tokenizer = [](std::vector<std::string> merges) {
    BpeTables tables;
    tables.tokens.assign(byte_spellings().begin(), byte_spellings().end());
    tables.tokens.insert(tables.tokens.end(), {"st", "te"});
    tables.merges = std::move(merges);
    tables.pre = "gpt-2";
    return make_bpe_tokenizer(std::move(tables), "test");
  };
  EXPECT_FALSE(identify(*tokenizer({"s t", "t e"}), "").same_ids(identify(*tokenizer({"t e", "s t"}), "")));
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
